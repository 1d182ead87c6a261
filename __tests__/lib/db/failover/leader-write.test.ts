import { describe, expect, test } from "vitest";
import { AP, EU, IDS, US } from "@/__tests__/support/routing-world";
import { leaderNamedBy, wasNeverSent } from "@/lib/db/failover/leader-errors";
import { writeToLeader, type LeaderWriteOptions } from "@/lib/db/failover/leader-write";
import type { LeaderQuestion } from "@/lib/db/failover/leader-search";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { PrismaClient } from "@/lib/generated/prisma/client";

type Fake = ReturnType<NonNullable<LeaderWriteOptions["runtime"]>>;

const sqlError = (code: string, detail?: string) =>
  Object.assign(new Error(code), {
    code: "P2010",
    meta: { driverAdapterError: { cause: { originalCode: code, detail } } },
  });
const refusedBy = (leader: string) => sqlError("MR001", leader);
const noLease = () => sqlError("MR007", US);
const netError = (code: string) => Object.assign(new Error(code), { code });

/** Longer than any of these takes, however busy the machine is. */
const PATIENT = 10_000;

/** Regions that answer an attempt as they are told to; each looks once at what the overviews say. */
class World {
  leader = US;
  /** What the overviews will say when they are read. */
  news: RegionId = US;
  leads = true;
  asked: RegionId[] = [];
  /** From when on the former leader was news too, and for how long it was to be looked, each time. */
  looks: [backAfterMs?: number, timeoutMs?: number][] = [];

  write(answer: (region: RegionId, attempt: number) => unknown, waitMs = 60) {
    const runtime = {
      topology: { regions: IDS.map((id) => ({ id })), failover: { marginMs: 400 } },
      clients: {
        write: () => ({ $queryRaw: async () => [{ leads: this.leads }] }) as unknown,
      },
      state: {
        leader: () => ({ region: this.leader, epoch: 1 }),
        noteLeader: (_: RegionId, region: RegionId) => (this.leader = region),
        findRegionId: (name: string) => IDS.find((id) => id === name),
      },
      tendLease: () => undefined,
      leaders: {
        wait: async (_: RegionId, { backAfterMs, timeoutMs }: LeaderQuestion) => {
          this.looks.push([backAfterMs, timeoutMs]);
          await new Promise((resolve) => setTimeout(resolve, 1));
          this.leader = this.news;
        },
      },
    } as unknown as Fake;
    const attempt = async (_: PrismaClient, region: RegionId) => {
      this.asked.push(region);
      const value = answer(region, this.asked.length);
      if (value instanceof Error) throw value;
      return value;
    };
    return writeToLeader(EU, attempt, { runtime: () => runtime, waitMs });
  }
}

describe("a write to the leader", () => {
  test("goes where MR001 points, and asks no overview", async () => {
    const world = new World();
    const outcome = await world.write((region) => (region === AP ? "x" : refusedBy(AP)), PATIENT);
    expect(outcome).toMatchObject({ kind: "done", value: "x", regionId: AP, attempts: 2 });
    expect(world.asked).toEqual([US, AP]);
    expect(world.looks).toEqual([]);
  });

  test.each(["40P01", "40001"])(
    "is made again where the leader rolled it back: %s",
    async (state) => {
      const world = new World();
      const outcome = await world.write(
        (region, attempt) => (attempt < 3 ? sqlError(state) : region),
        PATIENT,
      );
      expect(outcome).toMatchObject({ kind: "done", value: US, attempts: 1 });
      expect(world.asked).toEqual([US, US, US]);
      expect(world.looks).toEqual([]);
    },
  );

  test("throws what a leader rolls back each time", async () => {
    const world = new World();
    await expect(world.write(() => sqlError("40P01"), PATIENT)).rejects.toThrow("40P01");
    expect(world.asked).toHaveLength(4);
  });

  test("does not go where nobody configured a region", async () => {
    const world = new World();
    world.news = AP;
    const outcome = await world.write(
      (region) => (region === AP ? "x" : refusedBy("moon-1")),
      PATIENT,
    );
    expect(outcome).toMatchObject({ kind: "done", regionId: AP });
    expect(world.looks).toHaveLength(1);
  });

  test("is told of a lease that is back after 25 ms, and twice as many up to 200, or tries after a second", async () => {
    const world = new World();
    await world.write((_, attempt) => (attempt < 7 ? noLease() : "x"), PATIENT);
    expect(world.looks).toEqual([25, 50, 100, 200, 200, 200].map((ms) => [ms, 1_000]));
  });

  test("waits for news no longer than it may wait at all", async () => {
    const world = new World();
    await world.write(noLease, 500);
    expect(world.looks.length).toBeGreaterThan(0);
    expect(world.looks.every(([, timeoutMs = Infinity]) => timeoutMs <= 500)).toBe(true);
  });

  test("leaves one that does not answer alone for a second, unless there is news", async () => {
    const world = new World();
    await world.write((_, attempt) => (attempt < 3 ? netError("ECONNREFUSED") : "x"), PATIENT);
    expect(world.looks.map(([, timeoutMs]) => timeoutMs)).toEqual([1_000, 1_000]);
  });

  test.each([
    ["no-leader", () => refusedBy(US)],
    ["read-only", noLease],
    ["unreachable", () => netError("ECONNREFUSED")],
    ["unreachable", () => netError("P1001")],
  ])("is refused, which says that nothing was written: %s", async (reason, error) => {
    expect(await new World().write(error)).toMatchObject({ kind: "refused", reason });
  });

  test.each(["ECONNRESET", "P1017", "P1008", "08006", "57P01"])(
    "is indeterminate after %s, whatever comes later",
    async (code) => {
      const first = /^\d/.test(code) ? sqlError(code) : netError(code);
      const outcome = await new World().write((_, attempt) => (attempt === 1 ? first : noLease()));
      expect(outcome).toMatchObject({ kind: "indeterminate" });
    },
  );

  test("is done when a repeat succeeds after an unknown outcome, where the lease is held", async () => {
    const repeat = (_: RegionId, attempt: number) => (attempt === 1 ? netError("ECONNRESET") : "x");
    expect(await new World().write(repeat, PATIENT)).toMatchObject({ kind: "done", attempts: 2 });
    const deposed = new World();
    deposed.leads = false;
    expect(await deposed.write(repeat)).toMatchObject({ kind: "indeterminate" });
  });

  test("throws any other error at once", async () => {
    const world = new World();
    await expect(world.write(() => sqlError("23505"))).rejects.toThrow("23505");
    expect(world.asked).toHaveLength(1);
  });
});

describe("errors of a leader", () => {
  test("name the next one however deep they are wrapped, and nothing that is no region's name", () => {
    expect(leaderNamedBy({ cause: { detail: AP } })).toBe(AP);
    expect(leaderNamedBy({ detail: "Key (email)=(a@b.c) already exists." })).toBeUndefined();
    expect(leaderNamedBy(null)).toBeUndefined();
  });

  test("tell a connection that was never open from one that broke", () => {
    expect(wasNeverSent(netError("ECONNREFUSED"))).toBe(true);
    expect(wasNeverSent(netError("ECONNRESET"))).toBe(false);
    const messages = (message: string) => wasNeverSent({ code: "P2010", cause: { message } });
    expect(messages("Connection terminated due to connection timeout")).toBe(true);
    expect(messages("Unexpected server response: 502")).toBe(true);
    expect(messages("Connection terminated unexpectedly")).toBe(false);
    expect(messages("Query read timeout")).toBe(false);
  });
});
