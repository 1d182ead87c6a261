import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { WsProxy } from "@/scripts/local/ws-proxy";

const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function echo(): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function open(address: string, allowed: string[]): Promise<WebSocket> {
  const proxy = new WsProxy({ port: 0, allows: (asked) => allowed.includes(asked) });
  await proxy.start();
  cleanups.push(() => proxy.stop());
  const socket = new WebSocket(
    `ws://127.0.0.1:${proxy.port}/?address=${encodeURIComponent(address)}`,
  );
  socket.on("error", () => undefined);
  cleanups.push(() => socket.terminate());
  return socket;
}

/** The status that it was refused with. */
const refused = async (socket: WebSocket) => {
  const [error] = (await once(socket, "error").catch((thrown: unknown) => [thrown])) as [Error];
  return Number(/\d{3}$/.exec(error.message)?.[0]);
};

describe("a proxy for WebSockets", () => {
  it("passes on what comes, in both directions and in full", async () => {
    const address = await echo();
    const socket = await open(address, [address]);
    await once(socket, "open");
    const sent = Buffer.alloc(8 * 1024 * 1024, "meridian");
    const received: Buffer[] = [];
    const whole = new Promise<void>((resolve) => {
      socket.on("message", (data: Buffer) => {
        received.push(data);
        if (received.reduce((sum, { length }) => sum + length, 0) >= sent.length) resolve();
      });
    });
    for (let at = 0; at < sent.length; at += 64 * 1024) {
      socket.send(sent.subarray(at, at + 64 * 1024));
    }
    await whole;
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  it.each(["127.0.0.1:1", "", "nowhere", ":5432", "127.0.0.1:5432@elsewhere"])(
    "connects to nothing that is not allowed: %j",
    async (address) => {
      const socket = await open(address, [await echo()]);
      expect(await refused(socket)).toBe(403);
    },
  );

  it("leaves no connection behind a request that is no WebSocket", async () => {
    let ended = 0;
    let begun = 0;
    const server = createServer((socket) => {
      begun += 1;
      socket.on("error", () => undefined);
      socket.on("close", () => (ended += 1));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const proxy = new WsProxy({ port: 0, allows: () => true });
    await proxy.start();
    cleanups.push(() => proxy.stop());
    const client = connect(proxy.port, "127.0.0.1");
    client.write(
      `GET /?address=${address} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    client.resume();
    await once(client, "close");
    await expect.poll(() => [begun, ended]).toEqual([1, 1]);
  });

  it("ends with the connection behind it", async () => {
    const server = createServer((socket) => void socket.once("data", () => socket.destroy()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const socket = await open(address, [address]);
    await once(socket, "open");
    socket.send("x");
    await once(socket, "close");
  });

  it("says so where nobody listens", async () => {
    const socket = await open("127.0.0.1:1", ["127.0.0.1:1"]);
    expect(await refused(socket)).toBe(502);
  });
});
