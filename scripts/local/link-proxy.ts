import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { DelayLine, type Pausable } from "@/scripts/local/delay-line";
import { freePort } from "@/scripts/local/process-tools";

export const CUT_DIRECTIONS = ["both", "to-target", "from-target"] as const;
export type CutDirection = (typeof CUT_DIRECTIONS)[number];

export interface LinkProxyOptions {
  /** 0 takes any free port. */
  listenPort: number;
  targetHost: string;
  targetPort: number;
  oneWayDelayMs: number;
}

export interface LinkCounters {
  /** Accepted so far. */
  connections: number;
  /** Open now. */
  open: number;
  bytesToTarget: number;
  bytesFromTarget: number;
  /**
   * How often the talk turned from asking to answering: requests sent in one burst and answered
   * together are one. Authentication counts (three for Postgres with SCRAM), TCP's own does not.
   */
  roundTrips: number;
}

/**
 * - `open`: works.
 * - `cut`: packets vanish in the named direction. Nothing is closed and nothing is answered: open
 *   connections hang, and so do new ones. After `heal` what was held arrives, as TCP would see to.
 * - `refused`: the machine answers that nobody listens; open connections have been reset.
 */
export type LinkState =
  { kind: "open" } | { kind: "cut"; direction: CutDirection } | { kind: "refused" };

/** One proxied connection: two sockets and a delay line each way. */
class LinkConnection {
  readonly toTarget: DelayLine;
  readonly fromTarget: DelayLine;
  private target: Socket | undefined;
  private dialTimer: NodeJS.Timeout | undefined;
  private asking = false;
  private readonly dialAtMs: number;

  constructor(
    private readonly client: Socket,
    private readonly link: {
      options: LinkProxyOptions;
      delayMs: () => number;
      cut: () => CutDirection | undefined;
      counters: LinkCounters;
    },
    private readonly onClosed: (connection: LinkConnection) => void,
  ) {
    const openedAtMs = performance.now();
    const { delayMs, counters } = link;
    // The kernel accepted at once; over a real link SYN and its answer take a round trip before
    // the client may speak, and the target hears of it after one way.
    const handshakeMs = 2 * delayMs();
    this.dialAtMs = openedAtMs + delayMs();
    const notBeforeMs = openedAtMs + handshakeMs;
    this.toTarget = new DelayLine({ source: client, delayMs, notBeforeMs });
    // The source of the other way is the target, which does not exist yet.
    const source: Pausable = {
      pause: () => this.target?.pause(),
      resume: () => this.target?.resume(),
      isPaused: () => this.target?.isPaused() ?? false,
    };
    this.fromTarget = new DelayLine({ source, delayMs, notBeforeMs: 0 });
    this.fromTarget.connect(client);
    client.on("data", (chunk) => {
      counters.bytesToTarget += chunk.length;
      this.asking = true;
      this.toTarget.push(chunk);
    });
    client.on("end", () => this.toTarget.end());
    client.on("error", () => this.toTarget.reset());
    client.on("close", () => this.closeIfDone());
  }

  /** Takes up the link's state: at the start, and whenever it changes. */
  applyCut(): void {
    const cut = this.link.cut();
    this.holdIf(this.toTarget, cut === "both" || cut === "to-target");
    this.holdIf(this.fromTarget, cut === "both" || cut === "from-target");
    clearTimeout(this.dialTimer);
    // Setting up a connection needs both ways.
    if (cut !== undefined || this.target) return;
    const waitMs = this.dialAtMs - performance.now();
    if (waitMs <= 0) this.dial();
    else this.dialTimer = setTimeout(() => this.dial(), waitMs);
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.target?.resetAndDestroy();
    this.destroy();
  }

  destroy(): void {
    clearTimeout(this.dialTimer);
    this.toTarget.destroy();
    this.fromTarget.destroy();
    this.client.destroy();
    this.target?.destroy();
    this.onClosed(this);
  }

  private holdIf(line: DelayLine, held: boolean): void {
    if (held) line.hold();
    else line.resume();
  }

  private dial(): void {
    if (this.client.destroyed) return this.destroy(); // the client gave up before it got through
    const { targetHost, targetPort } = this.link.options;
    const target = connect({ host: targetHost, port: targetPort, allowHalfOpen: true });
    this.target = target;
    target.setNoDelay(true);
    target.on("connect", () => this.toTarget.connect(target));
    target.on("data", (chunk) => {
      const { counters } = this.link;
      counters.bytesFromTarget += chunk.length;
      if (this.asking) counters.roundTrips++;
      this.asking = false;
      // Nobody is left to read this: the kernel of the client would answer with a reset.
      if (this.client.destroyed && this.toTarget.isClosed) return this.destroy();
      this.fromTarget.push(chunk);
    });
    target.on("end", () => this.fromTarget.end());
    target.on("error", () => this.fromTarget.reset());
    target.on("close", () => this.closeIfDone());
  }

  /** A side that is gone leaves its last bytes in the line: they still have to arrive. */
  private closeIfDone(): void {
    const clientGone = this.client.destroyed;
    const targetGone = this.target?.destroyed ?? false;
    if (clientGone && targetGone) return this.destroy();
    if (clientGone && !this.toTarget.isClosed) this.toTarget.reset();
    if (targetGone && !this.fromTarget.isClosed) this.fromTarget.reset();
  }
}

/**
 * A TCP proxy that stands for the network path between two regions: latency each way, and the
 * faults a path can have. It understands no protocol.
 */
export class LinkProxy {
  readonly counters: LinkCounters = {
    connections: 0,
    open: 0,
    bytesToTarget: 0,
    bytesFromTarget: 0,
    roundTrips: 0,
  };
  private readonly connections = new Set<LinkConnection>();
  private server: Server | undefined;
  private boundPort = 0;
  private current: LinkState = { kind: "open" };
  private delayMs: number;

  constructor(private readonly options: LinkProxyOptions) {
    this.delayMs = options.oneWayDelayMs;
  }

  get state(): LinkState {
    return this.current;
  }

  get oneWayDelayMs(): number {
    return this.delayMs;
  }

  /** Where it listens, on 127.0.0.1; known after `start()`. */
  get port(): number {
    return this.boundPort;
  }

  /** Returns the port. Rejects with EADDRINUSE when it is taken. */
  async start(): Promise<number> {
    await this.listen(this.options.listenPort || (await freePort(0)));
    return this.boundPort;
  }

  /** Closes every connection and the port. */
  async stop(): Promise<void> {
    for (const connection of [...this.connections]) connection.destroy();
    await this.close();
  }

  /** Sends new connections elsewhere; open ones stay. */
  retarget(host: string, port: number): void {
    this.options.targetHost = host;
    this.options.targetPort = port;
  }

  /** For what is sent from now on; what is under way keeps its time. */
  setDelay(oneWayDelayMs: number): void {
    this.delayMs = oneWayDelayMs;
  }

  async cut({ direction = "both" }: { direction?: CutDirection } = {}): Promise<void> {
    await this.change({ kind: "cut", direction });
  }

  async refuse(): Promise<void> {
    await this.change({ kind: "refused" });
  }

  /** Breaks every open connection once; new ones work. */
  reset(): void {
    for (const connection of [...this.connections]) connection.reset();
  }

  async heal(): Promise<void> {
    await this.change({ kind: "open" });
  }

  /** `open` keeps counting what is open. */
  resetCounters(): void {
    Object.assign(this.counters, {
      connections: 0,
      bytesToTarget: 0,
      bytesFromTarget: 0,
      roundTrips: 0,
    });
  }

  private async change(next: LinkState): Promise<void> {
    this.current = next;
    if (next.kind === "refused") {
      this.reset();
      await this.close();
      return;
    }
    if (!this.server && this.boundPort !== 0) await this.listen(this.boundPort);
    for (const connection of [...this.connections]) connection.applyCut();
  }

  private async listen(port: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.accept(client),
    );
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.removeListener("error", reject);
        resolve();
      });
    }).catch((error: unknown) => {
      this.server = undefined;
      throw error;
    });
    server.on("error", () => undefined); // accept() failing for one client (EMFILE) is its loss
    this.boundPort = (server.address() as AddressInfo).port;
  }

  private async close(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private accept(client: Socket): void {
    this.counters.connections++;
    this.counters.open++;
    const connection = new LinkConnection(
      client,
      {
        options: this.options,
        delayMs: () => this.delayMs,
        cut: () => (this.current.kind === "cut" ? this.current.direction : undefined),
        counters: this.counters,
      },
      (closed) => {
        if (this.connections.delete(closed)) this.counters.open--;
      },
    );
    this.connections.add(connection);
    connection.applyCut();
  }
}
