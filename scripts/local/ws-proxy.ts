import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

export interface WsProxyOptions {
  /** 0: any free one. */
  port: number;
  /** @default 127.0.0.1 */
  host?: string;
  /** Whether it may be connected to, `host:port`. */
  allows: (address: string) => boolean;
}

/** More than this in one message is refused, in bytes. */
const MAX_MESSAGE = 64 * 1024 * 1024;

const NOT_ALLOWED = 1008;
const NO_CONNECTION = 1011;

/**
 * Opens a TCP connection to `?address=host:port` for each WebSocket, and passes on what comes: what Neon's driver needs
 * in front of a Postgres of one's own. It answers plain requests with 200, for health checks.
 */
export class WsProxy {
  private readonly server: Server;
  private readonly sockets: WebSocketServer;

  constructor(private readonly options: WsProxyOptions) {
    this.server = createServer((_request, response) => response.end("ok"));
    this.sockets = new WebSocketServer({ server: this.server, maxPayload: MAX_MESSAGE });
    this.sockets.on("connection", (socket, request) => {
      const address = new URL(request.url ?? "/", "http://proxy").searchParams.get("address") ?? "";
      this.join(socket, address);
    });
  }

  async start(): Promise<void> {
    const { port, host = "127.0.0.1" } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, resolve);
    });
  }

  /** Known from `start` on. */
  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("It does not listen.");
    return address.port;
  }

  /** Does not keep the process. */
  unref(): void {
    this.server.unref();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets.clients) socket.terminate();
    this.sockets.close();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(socket: WebSocket, address: string): void {
    const at = address.lastIndexOf(":");
    if (at < 1 || !this.options.allows(address)) {
      socket.close(NOT_ALLOWED, "This address is not allowed.");
      return;
    }
    const tcp = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
    tcp.setNoDelay(true);
    socket.on("message", (data: Buffer) => {
      if (tcp.write(data)) return;
      socket.pause();
      tcp.once("drain", () => socket.resume());
    });
    tcp.on("data", (data) => {
      tcp.pause();
      socket.send(data, { binary: true }, () => tcp.resume());
    });
    tcp.on("close", () => socket.close());
    tcp.on("error", () => socket.close(NO_CONNECTION, "The connection failed."));
    socket.on("close", () => tcp.destroy());
    socket.on("error", () => tcp.destroy());
  }
}
