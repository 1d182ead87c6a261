import net from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { connectSubscriber, OptionalRedis, RedisCache } from "@/lib/db/redis";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Topology } from "@/lib/db/regions/topology";

/** Answers as Redis does to what a subscriber sends; `answers` says how often to SUBSCRIBE. */
async function startSubscribable(answers: number) {
  const subscribed: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      // RESP: *2 $9 subscribe $7 channel.
      for (const command of bytes.toString().split(/(?=\*\d+\r\n\$)/)) {
        const [, , name, , argument] = command.split("\r\n");
        if (name !== "subscribe") {
          socket.write(name === "info" ? "$21\r\nredis_version:7.4.0\r\n\r\n" : "+OK\r\n");
          continue;
        }
        subscribed.push(argument ?? "");
        if (subscribed.length > answers) continue;
        socket.write(`*3\r\n$9\r\nsubscribe\r\n$${argument?.length}\r\n${argument}\r\n:1\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    subscribed,
    publish: (channel: string, text: string) => {
      for (const socket of sockets) {
        socket.write(
          `*3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$${text.length}\r\n${text}\r\n`,
        );
      }
    },
    breakConnections: () => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    close: () => server.close(),
  };
}

describe("connectSubscriber", () => {
  let server: Awaited<ReturnType<typeof startSubscribable>> | undefined;
  afterEach(() => {
    server?.breakConnections();
    server?.close();
  });

  it("subscribes again after the connection was lost", async () => {
    server = await startSubscribable(Infinity);
    const redis = connectSubscriber(server.url, "news");
    const heard = vi.fn();
    redis.on("message", heard);
    try {
      await vi.waitFor(() => expect(server?.subscribed).toEqual(["news"]));
      server.breakConnections();
      await vi.waitFor(() => expect(server?.subscribed).toEqual(["news", "news"]), 5_000);
      await vi.waitFor(() => {
        server?.publish("news", "hello");
        expect(heard).toHaveBeenCalledWith("news", "hello");
      });
    } finally {
      redis.disconnect();
    }
  });

  it.each(["ends", "is lost"])(
    "throws nothing at the process when it %s while subscribing",
    async (how) => {
      const unhandled: unknown[] = [];
      const listeners = process.rawListeners("unhandledRejection");
      process.removeAllListeners("unhandledRejection");
      process.on("unhandledRejection", (reason) => unhandled.push(reason));
      server = await startSubscribable(1);
      const redis = connectSubscriber(server.url, "news");
      try {
        await vi.waitFor(() => expect(server?.subscribed).toHaveLength(1));
        server.breakConnections();
        await vi.waitFor(() => expect(server?.subscribed).toHaveLength(2), 5_000);
        if (how === "ends") redis.disconnect();
        else server.breakConnections();
        await new Promise((resolve) => setTimeout(resolve, 100));
      } finally {
        redis.disconnect();
        await new Promise((resolve) => setTimeout(resolve, 20));
        process.removeAllListeners("unhandledRejection");
        for (const listener of listeners) process.on("unhandledRejection", listener as () => void);
      }
      expect(unhandled).toEqual([]);
    },
  );
});

describe("RedisCache", () => {
  it("opens no connection once it is closed, whoever still asks", async () => {
    const connected = vi.fn();
    const server = net.createServer(connected);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const redis = `redis://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
    const [here, there] = ["us-east-1", "eu-west-1"] as RegionId[];
    const cache = new RedisCache(() => ({ endpoints: () => ({ redis }) }) as unknown as Topology);
    const kept = cache.of(here!, here!);
    cache.close();
    try {
      for (const late of [kept, cache.of(here!, here!), cache.of(here!, there!)]) {
        expect(await late.attempt((client) => client.ping())).toBeUndefined();
      }
      expect(connected).not.toHaveBeenCalled();
    } finally {
      server.close();
    }
  });
});

describe("several commands in one trip", () => {
  /** Answers what ioredis asks when it connects, and then what `answer` says: of each command in turn. */
  async function serve(answer: (name: string) => string | null) {
    const asked: string[] = [];
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => {
        for (const command of bytes.toString().split(/(?=\*\d+\r\n\$)/)) {
          const name = command.split("\r\n")[2] ?? "";
          if (name === "info") socket.write("$21\r\nredis_version:7.4.0\r\n\r\n");
          else if (name !== "get" && name !== "hget") socket.write("+OK\r\n");
          else {
            asked.push(name);
            const reply = answer(name);
            if (reply) socket.write(reply);
          }
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as net.AddressInfo;
    const redis = new OptionalRedis(`redis://127.0.0.1:${port}`);
    const close = () => {
      redis.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    };
    return { asked, redis, close };
  }
  const both = (redis: OptionalRedis) =>
    redis.attemptAll((pipeline) => pipeline.get("one").hget("other", "field"));

  it("have an answer each, also where one is refused", async () => {
    const { redis, close } = await serve((name) =>
      name === "get" ? "+value\r\n" : "-WRONGTYPE not a hash\r\n",
    );
    try {
      expect(await both(redis)).toEqual(["value", undefined]);
      expect(await both(redis)).toEqual(["value", undefined]);
    } finally {
      close();
    }
  });

  it("leave Redis alone for a while once they are not answered, as one command does", async () => {
    const { asked, redis, close } = await serve(() => null);
    try {
      expect(await both(redis)).toBeUndefined();
      expect(asked).toEqual(["get", "hget"]);
      const startedMs = performance.now();
      for (let n = 0; n < 5; n++) expect(await both(redis)).toBeUndefined();
      expect(performance.now() - startedMs).toBeLessThan(100);
      expect(asked).toEqual(["get", "hget"]);
    } finally {
      close();
    }
  });
});
