import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { LinkProxy } from "@/scripts/local/link-proxy";

const cleanups: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    sockets.forEach((socket) => socket.destroy());
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const serveEcho = () => serve((socket) => socket.pipe(socket));

async function link(targetPort: number, oneWayDelayMs = 0): Promise<LinkProxy> {
  const proxy = new LinkProxy({
    listenPort: 0,
    targetHost: "127.0.0.1",
    targetPort,
    oneWayDelayMs,
  });
  await proxy.start();
  cleanups.push(() => proxy.stop());
  return proxy;
}

/** A client that collects what it receives and lets a test wait for it. */
class TestClient {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  ended = false;
  error: NodeJS.ErrnoException | undefined;
  closed = false;
  private readonly waiters = new Set<() => void>();

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const note = <T extends unknown[]>(change: (...args: T) => void) => {
      return (...args: T) => {
        change(...args);
        this.waiters.forEach((waiter) => waiter());
      };
    };
    this.socket.on(
      "data",
      note((chunk: Buffer) => (this.received = Buffer.concat([this.received, chunk]))),
    );
    this.socket.on(
      "end",
      note(() => (this.ended = true)),
    );
    this.socket.on(
      "error",
      note((error: Error) => (this.error = error)),
    );
    this.socket.on(
      "close",
      note(() => (this.closed = true)),
    );
    cleanups.push(() => void this.socket.destroy());
  }

  get text(): string {
    return this.received.toString();
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!condition()) return;
        this.waiters.delete(check);
        resolve();
      };
      this.waiters.add(check);
      check();
    });
  }

  /** Milliseconds from sending `text` to having it back. */
  async echo(text: string): Promise<number> {
    const startedAt = performance.now();
    const length = this.received.length + text.length;
    this.socket.write(text);
    await this.until(() => this.received.length >= length);
    return performance.now() - startedAt;
  }

  /** Whether nothing arrives for a while. A negative can only be shown by waiting. */
  async staysSilent(ms = 60): Promise<boolean> {
    const before = this.received.length;
    await new Promise((resolve) => setTimeout(resolve, ms));
    return this.received.length === before && !this.ended && !this.closed;
  }
}

describe("latency", () => {
  it("delays each way, and a connection's set-up by a round trip", async () => {
    const proxy = await link(await serveEcho(), 30);
    const client = new TestClient(proxy.port);
    const first = await client.echo("hello");
    const second = await client.echo("again");
    expect(first).toBeGreaterThanOrEqual(119); // handshake and answer
    expect(second).toBeGreaterThanOrEqual(59);
    expect(second).toBeLessThan(first);
  });

  it("passes bytes on at once when the delay is zero", async () => {
    const proxy = await link(await serveEcho());
    const client = new TestClient(proxy.port);
    await client.echo("warm");
    expect(await client.echo("now")).toBeLessThan(20);
  });

  it("delivers 24 MB in order, in far less than a round trip per chunk", async () => {
    const proxy = await link(await serveEcho(), 20);
    const client = new TestClient(proxy.port);
    const sent = Buffer.alloc(24 * 1024 * 1024);
    for (let i = 0; i < sent.length; i += 4) sent.writeUInt32LE(i, i);
    const chunks: Buffer[] = [];
    let length = 0;
    client.socket.removeAllListeners("data");
    const done = new Promise<void>((resolve) =>
      client.socket.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= sent.length) resolve();
      }),
    );
    client.socket.write(sent);
    await done;
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
    expect(proxy.counters.bytesToTarget).toBe(sent.length);
    expect(proxy.counters.bytesFromTarget).toBe(sent.length);
  });

  it("keeps the order when the delay is lowered under way", async () => {
    const proxy = await link(await serveEcho(), 40);
    const client = new TestClient(proxy.port);
    await client.echo("0");
    client.socket.write("a");
    await new Promise((resolve) => setTimeout(resolve, 5));
    proxy.setDelay(0);
    await client.echo("b");
    await client.until(() => client.received.length === 3);
    expect(client.text).toBe("0ab");
  });
});

describe("closing", () => {
  it("passes a half-close on, and the answer still comes back", async () => {
    const port = await serve((socket) => {
      let asked = "";
      socket.on("data", (chunk) => (asked += chunk.toString()));
      socket.on("end", () => socket.end(`got ${asked}`));
    });
    const proxy = await link(port, 10);
    const client = new TestClient(proxy.port);
    client.socket.end("question");
    await client.until(() => client.ended);
    expect(client.text).toBe("got question");
    await expect.poll(() => proxy.counters.open).toBe(0);
  });

  it("delivers what was sent before the client went away", async () => {
    let received = "";
    let finished = () => {};
    const over = new Promise<void>((resolve) => (finished = resolve));
    const port = await serve((socket) => {
      socket.on("data", (chunk) => (received += chunk.toString()));
      socket.on("close", finished);
      socket.on("end", () => socket.end());
    });
    const proxy = await link(port, 15);
    const client = new TestClient(proxy.port);
    client.socket.end("last words", () => client.socket.destroy());
    await over;
    expect(received).toBe("last words");
  });

  it("turns a target that does not listen into a reset", async () => {
    const port = await serve(() => undefined);
    await cleanups.pop()?.();
    const proxy = await link(port);
    const client = new TestClient(proxy.port);
    await client.until(() => client.closed);
    expect(client.error?.code).toBe("ECONNRESET");
    expect(proxy.counters.open).toBe(0);
  });

  it("stop() ends every connection and frees the port", async () => {
    const proxy = await link(await serveEcho());
    const client = new TestClient(proxy.port);
    await client.echo("x");
    await proxy.stop();
    await client.until(() => client.ended || client.closed);
    const late = new TestClient(proxy.port);
    await late.until(() => late.closed);
    expect(late.error?.code).toBe("ECONNREFUSED");
  });
});

describe("faults", () => {
  it("a cut hangs open and new connections, healing delivers what was held", async () => {
    const proxy = await link(await serveEcho());
    const client = new TestClient(proxy.port);
    await client.echo("a");
    await proxy.cut();
    client.socket.write("b");
    const newcomer = new TestClient(proxy.port);
    newcomer.socket.write("c");
    expect(await client.staysSilent()).toBe(true);
    expect(await newcomer.staysSilent(1)).toBe(true);
    await proxy.heal();
    await client.until(() => client.text === "ab");
    await newcomer.until(() => newcomer.text === "c");
  });

  it("a cut one way lets the other way through", async () => {
    let received = "";
    const port = await serve((socket) => {
      socket.on("data", (chunk) => {
        received += chunk.toString();
        socket.write("answer");
      });
    });
    const proxy = await link(port);
    const client = new TestClient(proxy.port);
    client.socket.write("1");
    await client.until(() => client.text === "answer");
    await proxy.cut({ direction: "from-target" });
    client.socket.write("2");
    expect(await client.staysSilent()).toBe(true);
    expect(received).toBe("12");
    await proxy.cut({ direction: "to-target" });
    await client.until(() => client.text === "answeranswer");
    client.socket.write("3");
    expect(await client.staysSilent()).toBe(true);
    expect(received).toBe("12");
  });

  it("a client that gave up during a cut never reaches the target", async () => {
    let accepted = 0;
    const proxy = await link(await serve(() => accepted++));
    await proxy.cut();
    const client = new TestClient(proxy.port);
    await expect.poll(() => proxy.counters.open).toBe(1);
    client.socket.resetAndDestroy();
    await client.until(() => client.closed);
    await proxy.heal();
    const next = new TestClient(proxy.port);
    next.socket.write("x");
    await expect.poll(() => accepted).toBe(1);
    await expect.poll(() => proxy.counters.open).toBe(1);
  });

  it("refuse resets what is open and refuses what is new, on the same port after heal", async () => {
    const proxy = await link(await serveEcho());
    const port = proxy.port;
    const client = new TestClient(port);
    await client.echo("x");
    await proxy.refuse();
    await client.until(() => client.closed);
    expect(client.error?.code).toBe("ECONNRESET");
    const refused = new TestClient(port);
    await refused.until(() => refused.closed);
    expect(refused.error?.code).toBe("ECONNREFUSED");
    await proxy.heal();
    expect(proxy.port).toBe(port);
    await new TestClient(port).echo("y");
  });

  it("refuse leaves the port to nobody who asks for any free one", async () => {
    const proxy = await link(await serveEcho());
    await proxy.refuse();
    const given = await Promise.all(Array.from({ length: 300 }, () => serveEcho()));
    expect(given).not.toContain(proxy.port);
    // Few of many ports prove little: it is not one that kernels give away at all.
    expect(Math.min(...given)).toBeGreaterThan(proxy.port);
    await proxy.heal();
  });

  it("reset breaks open connections once", async () => {
    const proxy = await link(await serveEcho());
    const client = new TestClient(proxy.port);
    await client.echo("x");
    proxy.reset();
    await client.until(() => client.closed);
    expect(client.error?.code).toBe("ECONNRESET");
    expect(proxy.state).toEqual({ kind: "open" });
    await new TestClient(proxy.port).echo("y");
  });
});

describe("counters", () => {
  it("counts a burst and its answer as one round trip", async () => {
    const port = await serve((socket) => {
      socket.on("data", (chunk) => {
        if (!chunk.toString().endsWith("?")) return;
        socket.write("one");
        setTimeout(() => socket.write("two"), 5);
      });
    });
    const proxy = await link(port);
    const client = new TestClient(proxy.port);
    client.socket.write("first");
    await new Promise((resolve) => setTimeout(resolve, 5));
    client.socket.write("second?");
    await client.until(() => client.text === "onetwo");
    expect(proxy.counters.roundTrips).toBe(1);
    client.socket.write("third?");
    await client.until(() => client.text === "onetwoonetwo");
    expect(proxy.counters.roundTrips).toBe(2);
    expect(proxy.counters.connections).toBe(1);
    proxy.resetCounters();
    expect(proxy.counters).toEqual({
      connections: 0,
      open: 1,
      bytesToTarget: 0,
      bytesFromTarget: 0,
      roundTrips: 0,
    });
  });
});
