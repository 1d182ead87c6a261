import type { EventEmitter } from "node:events";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { RegionId } from "@/lib/db/regions/region-id";
import { BusSubscriber, type BusPublisher } from "@/lib/db/replication/bus";
import { lingerMs, Publisher, type PublisherOptions } from "@/lib/db/replication/publisher";

const clients = vi.hoisted((): EventEmitter[] => []);

vi.mock("pg", async () => {
  const { EventEmitter: Emitter } = await import("node:events");
  class Client extends Emitter {
    constructor() {
      super();
      clients.push(this);
    }
    async connect() {}
    async end() {}
    async query() {
      return { rows: [{ held: true }] };
    }
  }
  return { default: { Client } };
});

describe("lingerMs", () => {
  test.each([
    [0, 0],
    [1, 0],
    [4, 0],
    [5, 1],
    [125, 25],
    [250, 50],
    [999, 50],
    [1_000, 0],
    [1_000_000, 0],
  ])("after %i events: %i ms", (events, ms) => {
    expect(lingerMs(events)).toBe(ms);
  });

  test("more events of a batch that isn't full never mean a shorter pause, and none is longer than 50 ms", () => {
    fc.assert(
      fc.property(fc.nat(999), fc.nat(999), (one, other) => {
        const [events, more] = [Math.min(one, other), Math.max(one, other)];
        expect(lingerMs(more)).toBeGreaterThanOrEqual(lingerMs(events));
        expect(lingerMs(more)).toBeLessThanOrEqual(50);
      }),
    );
  });
});

/** A reset connection makes pg emit "error" twice: for the reset, and for the end that follows. */
describe("a connection that is reset does not end the process", () => {
  const region = "eu-west-1" as RegionId;
  const url = "postgresql://owner@127.0.0.1:1/none";
  const reset = () => {
    const client = clients.at(-1);
    if (!client) throw new Error("No connection was opened");
    client.emit("error", new Error("read ECONNRESET"));
    client.emit("error", new Error("Connection terminated unexpectedly"));
    client.emit("end");
  };
  afterEach(() => {
    clients.length = 0;
  });

  test("the publisher's", async () => {
    const publisher = new Publisher({
      region,
      directUrl: url,
      redisUrl: null,
      // Never answers: the publisher holds its lock and waits.
      store: { query: () => new Promise(() => undefined) } as unknown as PublisherOptions["store"],
      bus: {} as BusPublisher,
    });
    void publisher.run();
    await vi.waitFor(() => expect(clients).toHaveLength(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(reset).not.toThrow();
    await publisher.stop();
  });

  test("the listener's", async () => {
    const subscriber = new BusSubscriber(
      { region, redisUrl: null, listenUrl: url },
      "replication-secret-of-the-tests-012345",
      { onMessage: () => undefined, onHint: () => undefined },
    );
    const done = subscriber.run();
    await vi.waitFor(() => expect(clients).toHaveLength(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(reset).not.toThrow();
    await subscriber.stop();
    await done;
  });
});
