import type { PrismaClient } from "@/lib/generated/prisma/client";

export interface StoredScore {
  id: string;
  name: string;
  regionId: string;
  best: bigint;
  origin: string;
  position: bigint;
}

export interface StoredRank extends StoredScore {
  before: bigint;
  beforeInRegion: bigint;
  players: bigint;
  playersInRegion: bigint;
}

export interface ScoreInput {
  playerId: string;
  name: string;
  regionId: string;
  /** See toBest. */
  best: number;
}

/** The player's row as it is then; an earlier score that is as good stays. */
export async function upsertScore(db: PrismaClient, input: ScoreInput): Promise<StoredScore> {
  // One that is better may have been committed since the statement began, and is in the next one's snapshot.
  const row = (await tryUpsert(db, input)) ?? (await tryUpsert(db, input));
  if (!row) throw new Error("The player's row came and went.");
  return row;
}

async function tryUpsert(db: PrismaClient, input: ScoreInput): Promise<StoredScore | undefined> {
  const rows = await db.$queryRaw<StoredScore[]>`
    WITH written AS (
      INSERT INTO "PlayerScore" AS s ("id", "name", "regionId", "best")
      VALUES (${input.playerId}::text, ${input.name}::text, ${input.regionId}::text, ${input.best}::bigint)
      ON CONFLICT ("id") DO UPDATE
        SET "best" = EXCLUDED."best", "name" = EXCLUDED."name", "regionId" = EXCLUDED."regionId"
        WHERE EXCLUDED."best" >> 31 > s."best" >> 31
      RETURNING *)
    SELECT "id", "name", "regionId", "best", "origin", "position" FROM written
    UNION ALL
    SELECT "id", "name", "regionId", "best", "origin", "position" FROM "PlayerScore"
    WHERE "id" = ${input.playerId}::text AND NOT EXISTS (SELECT FROM written)
    LIMIT 1`;
  return rows[0];
}

/** @param regionId of a region's board; null for the global one */
export function listTop(
  db: PrismaClient,
  regionId: string | null,
  limit: number,
): Promise<StoredScore[]> {
  // Two statements: one for both would have a plan for neither.
  return regionId === null
    ? db.$queryRaw<StoredScore[]>`
        SELECT "id", "name", "regionId", "best", "origin", "position" FROM "PlayerScore"
        WHERE "deletedAt" IS NULL ORDER BY "best" DESC, "id" LIMIT ${limit}::integer`
    : db.$queryRaw<StoredScore[]>`
        SELECT "id", "name", "regionId", "best", "origin", "position" FROM "PlayerScore"
        WHERE "regionId" = ${regionId}::text AND "deletedAt" IS NULL
        ORDER BY "best" DESC, "id" LIMIT ${limit}::integer`;
}

/** One statement, so one snapshot. */
export async function findRank(db: PrismaClient, playerId: string): Promise<StoredRank | null> {
  const rows = await db.$queryRaw<StoredRank[]>`
    SELECT s."id", s."name", s."regionId", s."best", s."origin", s."position",
      mr.players_before('', s."best", s."id") AS "before",
      mr.players_before(s."regionId", s."best", s."id") AS "beforeInRegion",
      (SELECT sum(players)::bigint FROM mr.score_count WHERE board = '' AND level = 1) AS "players",
      (SELECT sum(players)::bigint FROM mr.score_count
       WHERE board = s."regionId" AND level = 1) AS "playersInRegion"
    FROM "PlayerScore" s WHERE s."id" = ${playerId}::text AND s."deletedAt" IS NULL`;
  return rows[0] ?? null;
}

export interface StoredNeighbour extends StoredScore {
  /** Places from the player: below zero those before, 0 the player. */
  step: bigint;
}

/**
 * A player's rank and who is next to them, of one snapshot.
 *
 * @param around how many on each side
 */
export async function findStanding(
  db: PrismaClient,
  playerId: string,
  around: number,
): Promise<{ me: StoredRank | null; neighbours: StoredNeighbour[] }> {
  const rows = await db.$queryRaw<(StoredRank & { step: bigint })[]>`
    WITH me AS MATERIALIZED (
      SELECT s."id", s."name", s."regionId", s."best", s."origin", s."position",
        mr.players_before('', s."best", s."id") AS "before",
        mr.players_before(s."regionId", s."best", s."id") AS "beforeInRegion",
        (SELECT sum(players)::bigint FROM mr.score_count WHERE board = '' AND level = 1) AS "players",
        (SELECT sum(players)::bigint FROM mr.score_count
         WHERE board = s."regionId" AND level = 1) AS "playersInRegion"
      FROM "PlayerScore" s WHERE s."id" = ${playerId}::text AND s."deletedAt" IS NULL
    )
    SELECT me.*, 0::bigint AS "step" FROM me
    UNION ALL
    SELECT a."id", a."name", a."regionId", a."best", a."origin", a."position", NULL, NULL, NULL, NULL,
      -row_number() OVER (ORDER BY a."best", a."id" DESC)
    FROM me, LATERAL (
      -- The first condition is the index's, the second one takes out whom it has as good.
      SELECT * FROM "PlayerScore" s
      WHERE s."best" >= me."best" AND (s."best" > me."best" OR s."id" < me."id") AND s."deletedAt" IS NULL
      ORDER BY s."best", s."id" DESC LIMIT ${around}::integer) a
    UNION ALL
    SELECT b."id", b."name", b."regionId", b."best", b."origin", b."position", NULL, NULL, NULL, NULL,
      row_number() OVER (ORDER BY b."best" DESC, b."id")
    FROM me, LATERAL (
      SELECT * FROM "PlayerScore" s
      WHERE s."best" <= me."best" AND (s."best" < me."best" OR s."id" > me."id") AND s."deletedAt" IS NULL
      ORDER BY s."best" DESC, s."id" LIMIT ${around}::integer) b
    ORDER BY "step"`;
  return { me: rows.find(({ step }) => step === 0n) ?? null, neighbours: rows };
}

/** How many are on a board, from the counts. */
export async function countPlayers(db: PrismaClient, regionId: string | null): Promise<number> {
  const rows = await db.$queryRaw<{ players: bigint | null }[]>`
    SELECT sum(players)::bigint AS "players" FROM mr.score_count
    WHERE board = ${regionId ?? ""}::text AND level = 1`;
  return Number(rows[0]?.players ?? 0);
}
