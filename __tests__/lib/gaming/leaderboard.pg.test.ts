import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import type { RegionId } from "@/lib/db/multi-region-config";
import type { Runtime } from "@/lib/db/regions/runtime";
import { GlobalLeaderboard } from "@/lib/gaming/leaderboard";
import { MAX_SCORE } from "@/lib/gaming/score";
import { findRank, listTop } from "@/lib/gaming/statements";
import { toBoard } from "@/lib/gaming/leaderboard";
import { seededRandom } from "@/scripts/drill/random";

const HISTORIES = 100;
const WRITES = 12;
const PLAYERS = 5;
const NOON = Date.UTC(2026, 10, 26, 12);

let planet: TestPlanet;
const runtimes = new Map<RegionId, Runtime>();

beforeAll(async () => {
  planet = await startTestPlanet();
  await planet.startWorkers();
  for (const id of planet.ids) runtimes.set(id, planet.runtime(id));
});
afterAll(() => planet.stop());

const board = (region: RegionId, nowMs: () => number) =>
  new GlobalLeaderboard(() => runtimes.get(region)!, nowMs);
const reader = (region: RegionId) => runtimes.get(region)!.clients.read(region, region);

/** Counts as they should be. */
const RECOUNT = `
  SELECT board, level, bucket, count(*)::text AS players
  FROM "PlayerScore" s, LATERAL (VALUES (''), (s."regionId")) b (board),
    LATERAL (VALUES (1, (best >> 43)::integer), (2, (best >> 37)::integer), (3, (best >> 31)::integer)) l (level, bucket)
  WHERE "deletedAt" IS NULL GROUP BY board, level, bucket ORDER BY board, level, bucket`;
const COUNTED = `
  SELECT board, level::integer AS level, bucket, sum(players)::text AS players FROM mr.score_count
  GROUP BY board, level, bucket HAVING sum(players) <> 0 ORDER BY board, level, bucket`;

interface Best {
  player: string;
  score: number;
  atMs: number;
}

describe(`${HISTORIES} random histories, written in three regions at once`, () => {
  const folded = new Map<string, Best>();

  beforeAll(async () => {
    const random = seededRandom(20_261_126);
    const pick = (below: number) => Math.floor(random() * below);
    const history = async (n: number) => {
      const writes = Array.from({ length: WRITES }, () => ({
        player: `h${n}-p${pick(PLAYERS)}`,
        // Few different ones, so that they are equal now and then, within and across stretches.
        score: pick(2) === 0 ? pick(40) * 8 : pick(MAX_SCORE + 1),
        atMs: NOON + pick(50) * 1_000,
        region: planet.ids[pick(planet.ids.length)]!,
      }));
      for (const { player, score, atMs } of writes) {
        const before = folded.get(player);
        const better =
          !before ||
          score > before.score ||
          // Of two regions that have not heard of each other the earlier one counts.
          (score === before.score && atMs < before.atMs);
        if (better) folded.set(player, { player, score, atMs });
      }
      // A player's scores at the same moment in several regions, and each region's one after the other.
      await Promise.all(
        planet.ids.map(async (region) => {
          for (const write of writes.filter((one) => one.region === region)) {
            const outcome = await board(region, () => write.atMs).updateScore(
              write.player,
              write.score,
              region,
            );
            expect(outcome.kind).toBe("placed");
          }
        }),
      );
    };
    for (let n = 0; n < HISTORIES; n += 4) {
      await Promise.all([0, 1, 2, 3].map((more) => history(n + more)));
    }
    await waitForConvergence(planet.regions, 30_000);
  });

  /** By score; what equal scores are ordered by is compared apart. */
  const expected = () => [...folded.values()].sort((a, b) => b.score - a.score);

  it("end in the same board everywhere, with each player's best", async () => {
    const boards = await Promise.all(
      planet.ids.map(async (region) => toBoard(await listTop(reader(region), null, 10_000))),
    );
    for (const entries of boards) expect(entries).toEqual(boards[0]);
    expect(boards[0]).toHaveLength(folded.size);
    for (const { playerId, score } of boards[0]!) {
      expect(score, playerId).toBe(folded.get(playerId)?.score);
    }
    expect(boards[0]!.map(({ score }) => score)).toEqual(expected().map(({ score }) => score));
  });

  it("order equal scores by time, and then by name", async () => {
    const entries = toBoard(await listTop(reader(planet.ids[0]!), null, 10_000));
    let ties = 0;
    entries.slice(1).forEach((entry, n) => {
      const before = entries[n]!;
      if (before.score !== entry.score) return;
      ties += 1;
      const [a, b] = [before, entry].map(({ reachedAt, playerId }) => `${reachedAt} ${playerId}`);
      expect(a! < b!, `${a} before ${b}`).toBe(true);
    });
    expect(ties).toBeGreaterThan(10);
  });

  it("are counted exactly in every region", async () => {
    for (const { id, pool } of planet.regions) {
      const { rows } = await pool.query(RECOUNT);
      expect((await pool.query(COUNTED)).rows, id).toEqual(rows);
      expect(rows.length).toBeGreaterThan(100);
    }
  });

  it("give each player the rank that the board shows", async () => {
    for (const region of planet.ids) {
      const db = reader(region);
      const entries = toBoard(await listTop(db, null, 10_000));
      const inRegion = new Map<string, number>();
      for (const { rank, playerId, regionId } of entries) {
        inRegion.set(regionId, (inRegion.get(regionId) ?? 0) + 1);
        // Every tenth, and the ends.
        if (rank % 10 !== 1 && rank !== entries.length) continue;
        const found = await findRank(db, playerId);
        expect(Number(found?.before) + 1, playerId).toBe(rank);
        expect(Number(found?.beforeInRegion) + 1, playerId).toBe(inRegion.get(regionId));
        expect(Number(found?.players)).toBe(entries.length);
      }
    }
  });
});

describe("a score", () => {
  const US = "us-east-1" as RegionId;

  it("stays where a worse or an equal one follows", async () => {
    let nowMs = NOON;
    const us = board(US, () => nowMs);
    const scoreAfter = async (score: number) => {
      const outcome = await us.updateScore("steady", score, US, "Steady");
      return outcome.kind === "placed" ? Number(outcome.value.best) : null;
    };
    const first = await scoreAfter(500);
    nowMs += 60_000;
    expect(await scoreAfter(499)).toBe(first);
    expect(await scoreAfter(500)).toBe(first);
    expect(await scoreAfter(501)).toBeGreaterThan(first!);
  });

  it("that is none is refused", async () => {
    const us = board(US, () => NOON);
    for (const score of [-1, 0.5, Number.NaN, MAX_SCORE + 1]) {
      await expect(us.updateScore("cheat", score, US)).rejects.toThrow(RangeError);
    }
    await expect(us.updateScore("cheat", 1, US, " ")).rejects.toThrow(RangeError);
    expect(await findRank(reader(US), "cheat")).toBeNull();
  });

  it("of a player who left is on no board, and not counted", async () => {
    const us = board(US, () => NOON);
    await us.updateScore("leaver", MAX_SCORE, US);
    expect((await us.getGlobalLeaderboard(1))[0]?.playerId).toBe("leaver");
    const { pool } = planet.region(US);
    await pool.query(`UPDATE "PlayerScore" SET "deletedAt" = now() WHERE id = 'leaver'`);
    expect((await us.getGlobalLeaderboard(1))[0]?.playerId).not.toBe("leaver");
    expect(await findRank(reader(US), "leaver")).toBeNull();
    expect((await pool.query(COUNTED)).rows).toEqual((await pool.query(RECOUNT)).rows);
  });
});
