import { describe, expect, test } from "vitest";
import { AP, EU, IDS, US } from "@/__tests__/support/routing-world";
import { leaderNamedBy, wasNeverSent } from "@/lib/db/failover/leader-errors";
import { writeToLeader, type LeaderWriteOptions } from "@/lib/db/failover/leader-write";
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
  sleeps: number[] = [];
  looks = 0;

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
        refresh: async () => {
          this.looks += 1;
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
    const sleep = async (ms: number) => {
      this.sleeps.push(ms);
      await new Promise((resolve) => setTimeout(resolve, 1));
    };
    return writeToLeader(EU, attempt, { runtime: () => runtime, sleep, waitMs });
  }
}

describe("a write to the leader", () => {
  test("goes where MR001 points, and asks no overview", async () => {
    const world = new World();
    const outcome = await world.write((region) => (region === AP ? "x" : refusedBy(AP)), PATIENT);
    expect(outcome).toMatchObject({ kind: "done", value: "x", regionId: AP, attempts: 2 });
    expect(world.asked).toEqual([US, AP]);
    expect(world.looks).toBe(0);
  });

  test("does not go where nobody configured a region", async () => {
    const world = new World();
    world.news = AP;
    const outcome = await world.write(
      (region) => (region === AP ? "x" : refusedBy("moon-1")),
      PATIENT,
    );
    expect(outcome).toMatchObject({ kind: "done", regionId: AP });
    expect(world.looks).toBeGreaterThan(0);
  });

  test("waits 25 ms, and doubles that up to 200, while there is no lease", async () => {
    const world = new World();
    await world.write((_, attempt) => (attempt < 7 ? noLease() : "x"), PATIENT);
    expect(world.sleeps).toEqual([25, 50, 100, 200, 200, 200]);
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
    expect(messages("Connection terminated unexpectedly")).toBe(false);
    expect(messages("Query read timeout")).toBe(false);
  });
});
