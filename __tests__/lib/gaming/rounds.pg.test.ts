import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { healAll } from "@/__tests__/support/route-planet";
import { waitFor } from "@/__tests__/support/wait-for";
import type { RegionId } from "@/lib/db/multi-region-config";
import type { Runtime } from "@/lib/db/regions/runtime";
import { GlobalLeaderboard, toBoard } from "@/lib/gaming/leaderboard";
import { playRound, ROUND, ROUND_LIFE_MS, type RoundAnswer } from "@/lib/gaming/round-rules";
import { GameRounds, ROUND_QUOTA, type CountOutcome, type GameRound } from "@/lib/gaming/rounds";
import { findStanding, listTop } from "@/lib/gaming/statements";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;

let planet: TestPlanet;
const runtimes = new Map<RegionId, Runtime>();
let players = 0;

const player = () => `player-of-a-test-${players++}`;
const rounds = (vantage: RegionId) => new GameRounds(() => runtimes.get(vantage)!);

/** Redis is gone from the beginning: nothing here may need it. */
beforeAll(async () => {
  planet = await startTestPlanet({ count: 2, redis: false });
  await planet.startWorkers();
  for (const id of planet.ids) runtimes.set(id, planet.runtime(id));
});
afterEach(() => healAll(planet));
afterAll(() => planet.stop());

async function begin(userId: string, vantage: RegionId = US): Promise<GameRound> {
  const outcome = await rounds(vantage).begin(userId, vantage);
  if (outcome.kind !== "begun") throw new Error(outcome.kind);
  return outcome.round;
}

/** As if it had begun earlier: nobody waits for a round to be played. */
async function age({ id, regionId }: GameRound, byMs: number): Promise<void> {
  await planet.region(regionId).pool.query(
    `UPDATE "GameRound" SET "startedAt" = "startedAt" - $2 * interval '1 ms',
       "expiresAt" = "expiresAt" - $2 * interval '1 ms' WHERE id = $1`,
    [id, byMs],
  );
}

/** Right ones, one each second. */
function answersOf({ cards }: GameRound, count: number): RoundAnswer[] {
  return cards
    .slice(0, count)
    .map(({ nearest }, index) => ({ regionId: nearest, atMs: (index + 1) * 1_000 }));
}

function worth(round: GameRound, answers: readonly RoundAnswer[]): number {
  const played = playRound(round.cards, answers);
  if (played.kind !== "played") throw new Error(played.reason);
  return played.score;
}

function send(
  userId: string,
  { id, regionId }: GameRound,
  answers: readonly RoundAnswer[],
  vantage: RegionId = regionId,
): Promise<CountOutcome> {
  return rounds(vantage).count(userId, userId, { roundId: id, regionId, answers }, vantage);
}

const bestOf = async (region: RegionId, userId: string) => {
  const { rows } = await planet
    .region(region)
    .pool.query<{ score: string }>(
      `SELECT (best >> 31)::text AS score FROM "PlayerScore" WHERE id = $1`,
      [userId],
    );
  return rows[0] === undefined ? null : Number(rows[0].score);
};

describe("a round", () => {
  it("is worth what its answers come to, and its player sees that from everywhere", async () => {
    const userId = player();
    const round = await begin(userId);
    const answers = answersOf(round, 9);
    await age(round, 17_000);
    const score = worth(round, answers);
    expect(score).toBeGreaterThan(900);
    expect(await send(userId, round, answers)).toMatchObject({
      kind: "counted",
      score,
      best: score,
      improved: true,
      again: false,
    });
    await waitForConvergence(planet.regions);
    for (const region of planet.ids) expect(await bestOf(region, userId)).toBe(score);
  });

  it("counts once, however many are sent at once and from wherever", async () => {
    const userId = player();
    const round = await begin(userId);
    await age(round, 17_000);
    const attempts = [1, 2, 3, 4, 5, 6, 7, 8].map((count) => answersOf(round, count));
    const outcomes = await Promise.all(
      attempts.map((answers, n) => send(userId, round, answers, n % 2 === 0 ? US : EU)),
    );
    const counted = outcomes.flatMap((outcome) => (outcome.kind === "counted" ? [outcome] : []));
    expect(counted).toHaveLength(8);
    expect(counted.filter(({ again }) => !again)).toHaveLength(1);
    expect(new Set(counted.map(({ score }) => score)).size).toBe(1);
    const worths = attempts.map((answers) => worth(round, answers));
    expect(worths).toContain(counted[0]?.score);
    expect(await bestOf(round.regionId, userId)).toBe(counted[0]?.score);
    // Later, with better ones, it is told what counted.
    await age(round, ROUND_LIFE_MS);
    expect(await send(userId, round, answersOf(round, 12))).toMatchObject({
      kind: "counted",
      again: true,
      improved: false,
      score: counted[0]?.score,
    });
  });

  it("is known in the region that began it alone, and to its player alone", async () => {
    const userId = player();
    const round = await begin(userId);
    await age(round, 17_000);
    await waitForConvergence(planet.regions);
    const answers = answersOf(round, 3);
    const elsewhere = { ...round, regionId: EU };
    const outcomes = await Promise.all([
      send(userId, elsewhere, answers),
      send(player(), round, answers),
      send(userId, { ...round, id: "made-up" }, answers),
    ]);
    expect(outcomes).toEqual(outcomes.map(() => ({ kind: "unknown-round" })));
    expect(await bestOf(US, userId)).toBeNull();
    expect(await send(userId, round, answers, EU)).toMatchObject({ kind: "counted", again: false });
  });

  it("expires, and cannot be played faster than time passes", async () => {
    const userId = player();
    const late = await begin(userId);
    await age(late, ROUND_LIFE_MS);
    expect(await send(userId, late, answersOf(late, 3))).toEqual({ kind: "expired" });
    const early = await begin(userId);
    const answers = answersOf(early, 3);
    expect(await send(userId, early, answers)).toMatchObject({ kind: "impossible" });
    expect(await bestOf(US, userId)).toBeNull();
    await age(early, ROUND.readyMs + 3_000);
    expect(await send(userId, early, answers)).toMatchObject({ kind: "counted", again: false });
  });

  it("whose answers cannot be is not counted, and may still be", async () => {
    const userId = player();
    const round = await begin(userId);
    await age(round, 17_000);
    const at = (...times: number[]) =>
      times.map((atMs, n) => ({ regionId: round.cards[n]!.nearest, atMs }));
    for (const answers of [at(100), at(1_000, 1_100), at(2_000, 1_000), at(15_001), at(500.5)]) {
      expect(await send(userId, round, answers)).toMatchObject({ kind: "impossible" });
    }
    expect(await bestOf(US, userId)).toBeNull();
    expect(await send(userId, round, at(1_000))).toMatchObject({ kind: "counted", again: false });
  });

  it("ends and is on the board, or neither", async () => {
    const userId = player();
    const round = await begin(userId);
    await age(round, 17_000);
    const { pool } = planet.region(US);
    await pool.query(
      `ALTER TABLE "PlayerScore" ADD CONSTRAINT broken CHECK (id <> '${userId}') NOT VALID`,
    );
    try {
      await expect(send(userId, round, answersOf(round, 5))).rejects.toThrow(/broken/);
    } finally {
      await pool.query(`ALTER TABLE "PlayerScore" DROP CONSTRAINT broken`);
    }
    const { rows } = await pool.query(`SELECT score, "endedAt" FROM "GameRound" WHERE id = $1`, [
      round.id,
    ]);
    expect(rows).toEqual([{ score: null, endedAt: null }]);
    expect(await send(userId, round, answersOf(round, 5))).toMatchObject({ again: false });
  });

  it("does not lower a best score, and says which that is", async () => {
    const userId = player();
    const [good, bad] = [await begin(userId), await begin(userId)];
    for (const round of [good, bad]) await age(round, 17_000);
    const best = worth(good, answersOf(good, 10));
    expect(await send(userId, good, answersOf(good, 10))).toMatchObject({ improved: true });
    expect(await send(userId, bad, answersOf(bad, 2))).toMatchObject({
      kind: "counted",
      improved: false,
      again: false,
      best,
    });
  });

  it("begins in the next region where the nearest is down, and waits for its own to be counted", async () => {
    const userId = player();
    const away = planet.link(EU, EU).postgres;
    await away.cut();
    const outcome = await rounds(EU).begin(userId, EU);
    expect(outcome).toMatchObject({ kind: "begun", round: { regionId: US } });
    await away.heal();
    if (outcome.kind !== "begun") return;
    const { round } = outcome;
    await age(round, 17_000);
    const answers = answersOf(round, 4);
    const link = planet.link(EU, US).postgres;
    await link.cut();
    expect(await send(userId, round, answers, EU)).toMatchObject({ kind: "unavailable" });
    await link.heal();
    const counted = await waitFor(
      async () => {
        const again = await send(userId, round, answers, EU);
        return again.kind !== "unavailable" && again;
      },
      { what: "the region to answer" },
    );
    expect(counted).toMatchObject({ kind: "counted", score: worth(round, answers) });
  });
});

describe("how often", () => {
  const asked = (userId: string, region: RegionId = US) => rounds(region).begin(userId, region);
  const owed = (userId: string, interval: string) =>
    planet
      .region(US)
      .pool.query(
        `UPDATE "GameQuota" SET "paidAt" = clock_timestamp() + $2::interval WHERE "userId" = $1`,
        [userId, interval],
      );

  it("is counted without Redis, and exactly when all ask at once", async () => {
    const userId = player();
    const outcomes = await Promise.all(Array.from({ length: 16 }, () => asked(userId)));
    const begun = outcomes.filter(({ kind }) => kind === "begun");
    expect(begun).toHaveLength(ROUND_QUOTA.rounds);
    for (const outcome of outcomes) {
      if (outcome.kind === "begun") continue;
      expect(outcome).toMatchObject({ kind: "limited", regionId: US });
      expect(outcome.kind === "limited" && outcome.waitMs).toBeGreaterThan(0);
      expect(outcome.kind === "limited" && outcome.waitMs).toBeLessThanOrEqual(ROUND_QUOTA.everyMs);
    }
    const { rows } = await planet.region(US).pool.query<{
      rounds: number;
    }>(`SELECT count(*)::integer AS rounds FROM "GameRound" WHERE "userId" = $1`, [userId]);
    expect(rows[0]?.rounds).toBe(ROUND_QUOTA.rounds);
    // Somebody else is not held up by it.
    expect((await asked(player())).kind).toBe("begun");
  });

  it("allows one more each time that is paid for", async () => {
    const userId = player();
    expect((await asked(userId)).kind).toBe("begun");
    const free = (ROUND_QUOTA.rounds - 1) * ROUND_QUOTA.everyMs;
    await owed(userId, `${free - 50} ms`);
    expect((await asked(userId)).kind).toBe("begun");
    expect((await asked(userId)).kind).toBe("limited");
  });

  it("locks nobody out for longer after a clock was ahead", async () => {
    const userId = player();
    expect((await asked(userId)).kind).toBe("begun");
    await owed(userId, "1 day");
    const refused = await asked(userId);
    expect(refused).toMatchObject({ kind: "limited", waitMs: ROUND_QUOTA.everyMs });
    const { rows } = await planet.region(US).pool.query<{ bounded: boolean }>(
      `SELECT "paidAt" <= clock_timestamp() + $2 * interval '1 ms' AS bounded
         FROM "GameQuota" WHERE "userId" = $1`,
      [userId, ROUND_QUOTA.rounds * ROUND_QUOTA.everyMs],
    );
    expect(rows[0]?.bounded).toBe(true);
  });

  it("leaves no rounds behind for good", async () => {
    const userId = player();
    const old = await begin(userId);
    await age(old, 2 * 3_600_000);
    const now = await begin(userId);
    const { rows } = await planet
      .region(US)
      .pool.query<{ id: string }>(`SELECT id FROM "GameRound" WHERE "userId" = $1`, [userId]);
    expect(rows).toEqual([{ id: now.id }]);
  });
});

describe("a standing", () => {
  it("is the player's place on the board, between those beside them", async () => {
    const us = new GlobalLeaderboard(
      () => runtimes.get(US)!,
      () => Date.UTC(2026, 10, 26),
    );
    // Equal scores in the same second, so that the order is that of the ids too.
    for (let n = 0; n < 30; n++) {
      await us.updateScore(`stands-${String(n).padStart(2, "0")}`, 7_000 + (n % 5) * 100, US);
    }
    const db = runtimes.get(US)!.clients.read(US, US);
    const entries = toBoard(await listTop(db, null, 10_000));
    for (const { playerId, rank } of entries) {
      const { me, neighbours } = await findStanding(db, playerId, 2);
      expect(Number(me?.before) + 1, playerId).toBe(rank);
      expect(neighbours.map(({ id, step }) => [rank + Number(step), id])).toEqual(
        entries.slice(Math.max(0, rank - 3), rank + 2).map((entry) => [entry.rank, entry.playerId]),
      );
    }
    expect(await findStanding(db, "nobody", 2)).toEqual({ me: null, neighbours: [] });
  });

  it("is answered by the region nearest to who asks", async () => {
    const dublin = { latitude: 53.35, longitude: -6.26 };
    const eu = new GlobalLeaderboard(() => runtimes.get(US)!);
    await waitForConvergence(planet.regions);
    const { rank, receipt } = await eu.getPlayerRank(
      "stands-04",
      dublin.latitude,
      dublin.longitude,
    );
    expect(receipt).toMatchObject({ regionId: EU, vantage: EU, stale: false });
    const board = await eu.getGlobalLeaderboard(100, EU);
    expect(board.find(({ playerId }) => playerId === "stands-04")?.rank).toBe(rank?.globalRank);
  });
});
