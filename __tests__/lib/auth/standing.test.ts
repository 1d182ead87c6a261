import { describe, expect, it, vi } from "vitest";
import { sessionUser } from "@/__tests__/support/session-user";
import type { RegionId } from "@/lib/db/multi-region-config";
import { Standings, underStanding, type Standing } from "@/lib/auth/standing";

const [NEAR, FAR] = ["near", "far"] as RegionId[] as [RegionId, RegionId];
const BOTH = [NEAR, FAR];
const USER: Standing = { role: "user", accountEpoch: 0, deleted: false };
const ADMIN: Standing = { ...USER, role: "admin" };
const SESSION = sessionUser({ role: "admin", accountEpoch: 1 });

const silent = () => new Promise<never>(() => undefined);

/** What regions answer, and how late it is. */
class World {
  nowMs = 0;
  readonly asked: RegionId[] = [];
  answers: Partial<Record<RegionId, () => Promise<Standing | null>>> = {};
  /** Real waits pass at once in virtual time. */
  readonly standings = new Standings(
    async (ms) => {
      await new Promise((resolve) => setTimeout(resolve, ms / 10));
    },
    () => this.nowMs,
  );

  ask(): Promise<Standing | null> {
    return this.standings.of("u", BOTH, (region) => {
      this.asked.push(region);
      return (this.answers[region] ?? silent)();
    });
  }
}

describe("the standing of an account", () => {
  it("is what the nearest region says, asked once a second at most", async () => {
    const world = new World();
    world.answers[NEAR] = async () => ADMIN;
    expect(await world.ask()).toEqual(ADMIN);
    world.answers[NEAR] = async () => USER;
    world.nowMs = 900;
    expect(await world.ask()).toEqual(ADMIN);
    expect(world.asked).toEqual([NEAR]);
    world.nowMs = 6_000;
    expect(await world.ask()).toEqual(USER);
  });

  it("is asked for behind the back of a page that polls", async () => {
    const world = new World();
    world.answers[NEAR] = async () => ADMIN;
    await world.ask();
    world.nowMs = 2_000;
    world.answers[NEAR] = silent;
    expect(await world.ask()).toEqual(ADMIN);
    world.answers[FAR] = async () => USER;
    await vi.waitFor(() => expect(world.asked).toContain(FAR));
    await vi.waitFor(async () => expect(await world.ask()).toEqual(USER));
  });

  it("comes from the next region where the nearest fails or hangs", async () => {
    for (const near of [silent, () => Promise.reject(new Error("down"))]) {
      const world = new World();
      world.answers = { [NEAR]: near, [FAR]: async () => USER };
      expect(await world.ask()).toEqual(USER);
    }
  });

  it("is unknown where nobody answers, and what it was last", async () => {
    const world = new World();
    expect(await world.ask()).toBeNull();
    const known = new World();
    known.answers[NEAR] = async () => USER;
    await known.ask();
    known.nowMs = 60_000;
    known.answers[NEAR] = () => Promise.reject(new Error("down"));
    known.answers[FAR] = () => Promise.reject(new Error("down"));
    expect(await known.ask()).toEqual(USER);
  });

  it("does not go back because a region that is behind was asked", async () => {
    const world = new World();
    world.answers[NEAR] = async () => ({ ...USER, accountEpoch: 2 });
    await world.ask();
    for (const told of [ADMIN, null]) {
      world.nowMs += 10_000;
      world.answers[NEAR] = async () => told;
      expect(await world.ask()).toEqual({ ...USER, accountEpoch: 2 });
    }
  });

  it("is asked for again after a change of one's own", async () => {
    const world = new World();
    world.answers[NEAR] = async () => ADMIN;
    await world.ask();
    world.answers[NEAR] = async () => USER;
    world.standings.forget("u");
    expect(await world.ask()).toEqual(USER);
  });
});

describe("a session under it", () => {
  it("has the role of now", () => {
    expect(underStanding(SESSION, { ...USER, accountEpoch: 1 })?.role).toBe("user");
    expect(underStanding({ ...SESSION, role: "user" }, ADMIN)?.role).toBe("admin");
  });

  it("is over once its account is gone or has ended it, and not where that is not known yet", () => {
    expect(underStanding(SESSION, { ...USER, accountEpoch: 2 })).toBeNull();
    expect(underStanding(SESSION, { ...USER, deleted: true })).toBeNull();
    expect(underStanding(SESSION, { ...USER, accountEpoch: 0 })).not.toBeNull();
  });
});
