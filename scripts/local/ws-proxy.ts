import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";
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

const BROKEN = 1011;

const NOT_ALLOWED = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n";
const NO_CONNECTION = "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n";

/**
 * Opens a TCP connection to `?address=host:port` for each WebSocket, and passes on what comes: what Neon's driver needs
 * in front of a Postgres of one's own. A WebSocket is only accepted once that is open: whoever is refused knows that
 * nothing was sent. It answers plain requests with 200, for health checks.
 */
export class WsProxy {
  private readonly server: Server;
  private readonly sockets: WebSocketServer;

  constructor(private readonly options: WsProxyOptions) {
    this.server = createServer((_request, response) => response.end("ok"));
    this.sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE });
    this.server.on("upgrade", (request, client: Socket, head) => {
      client.on("error", () => client.destroy());
      const address = new URL(request.url ?? "/", "http://proxy").searchParams.get("address") ?? "";
      const at = address.lastIndexOf(":");
      if (at < 1 || !this.options.allows(address)) {
        client.end(NOT_ALLOWED);
        return;
      }
      const tcp = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
      const refuse = () => client.end(NO_CONNECTION);
      tcp.once("error", refuse);
      // Also of a request that turns out to be no WebSocket: nobody else ends it then, or hears its error.
      tcp.on("error", () => tcp.destroy());
      client.once("close", () => tcp.destroy());
      tcp.once("connect", () => {
        tcp.off("error", refuse);
        this.sockets.handleUpgrade(request, client, head, (socket) => join(socket, tcp));
      });
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
}

function join(socket: WebSocket, tcp: Socket): void {
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
  tcp.on("error", () => socket.close(BROKEN, "The connection failed."));
  socket.on("close", () => tcp.destroy());
  socket.on("error", () => tcp.destroy());
}
