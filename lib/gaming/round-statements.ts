import type { PrismaClient } from "@/lib/generated/prisma/client";

export interface StoredRound {
  id: string;
  seed: number;
  /** Null while it may still be scored. */
  score: number | null;
  ended: boolean;
  expired: boolean;
}

/** The player's row on the board, as the region has it. */
export interface ScoredRow {
  id: string;
  best: bigint;
  origin: string;
  position: bigint;
}

export interface BeginAnswer {
  granted: boolean;
  /** Until a round will be granted, in ms. 0 where this one is. */
  waitMs: number;
}

export interface BeginInput {
  id: string;
  userId: string;
  seed: number;
  lifeMs: number;
  quota: { rounds: number; everyMs: number };
}

/** How long what became of a round can still be asked for. */
const KEPT = "1 hour";

/**
 * Begins a round if the player may, and drops old ones of theirs. One statement: the lock of the quota's row
 * puts those that are asked for at once in a line, and what is granted is there.
 *
 * The quota is a leaky bucket in its form without a timer (GCRA, ITU-T I.371): each round costs `everyMs`, and
 * `rounds` of them may be owed. What is owed is bounded anew each time, so that a clock that was ahead for a while locks
 * nobody out.
 */
export async function insertRound(db: PrismaClient, input: BeginInput): Promise<BeginAnswer> {
  const { id, userId, seed, lifeMs } = input;
  const { rounds, everyMs } = input.quota;
  const most = rounds * everyMs;
  const free = most - everyMs;
  const rows = await db.$queryRaw<BeginAnswer[]>`
    WITH asked AS MATERIALIZED (SELECT clock_timestamp() AS at), quota AS (
      INSERT INTO "GameQuota" AS q ("userId", "paidAt", "askedAt", "granted")
      SELECT ${userId}::text, at + ${everyMs}::integer * interval '1 ms', at, true FROM asked
      ON CONFLICT ("userId") DO UPDATE SET
        "granted" = least(q."paidAt", EXCLUDED."askedAt" + ${most}::integer * interval '1 ms')
          <= EXCLUDED."askedAt" + ${free}::integer * interval '1 ms',
        "paidAt" = CASE
          WHEN least(q."paidAt", EXCLUDED."askedAt" + ${most}::integer * interval '1 ms')
            <= EXCLUDED."askedAt" + ${free}::integer * interval '1 ms'
          THEN greatest(q."paidAt", EXCLUDED."askedAt") + ${everyMs}::integer * interval '1 ms'
          ELSE least(q."paidAt", EXCLUDED."askedAt" + ${most}::integer * interval '1 ms') END,
        "askedAt" = EXCLUDED."askedAt"
      RETURNING "granted", "paidAt", "askedAt"
    ), begun AS (
      INSERT INTO "GameRound" ("id", "userId", "seed", "startedAt", "expiresAt")
      SELECT ${id}::text, ${userId}::text, ${seed}::integer, clock_timestamp(),
        clock_timestamp() + ${lifeMs}::integer * interval '1 ms'
      FROM quota WHERE quota."granted"
    ), swept AS (
      DELETE FROM "GameRound" WHERE "userId" = ${userId}::text
        AND "expiresAt" < clock_timestamp() - ${KEPT}::interval
    )
    SELECT "granted", CASE WHEN "granted" THEN 0 ELSE ceil(1000 * extract(epoch FROM
      "paidAt" - "askedAt" - ${free}::integer * interval '1 ms'))::integer END AS "waitMs"
    FROM quota`;
  const row = rows[0];
  if (!row) throw new Error("The statement returned no row.");
  return row;
}

/** Null where this region knows no such round, or it is somebody else's. */
export async function findRound(
  db: PrismaClient,
  id: string,
  userId: string,
): Promise<{ round: StoredRound; row: ScoredRow | null } | null> {
  const rows = await db.$queryRaw<(StoredRound & { row: null } & Partial<StoredScoreColumns>)[]>`
    SELECT r."id", r."seed", r."score", r."endedAt" IS NOT NULL AS "ended",
      r."expiresAt" <= clock_timestamp() AS "expired",
      s."id" AS "playerId", s."best", s."origin", s."position"
    FROM "GameRound" r LEFT JOIN "PlayerScore" s ON s."id" = r."userId"
    WHERE r."id" = ${id}::text AND r."userId" = ${userId}::text`;
  const found = rows[0];
  if (!found) return null;
  const { seed, score, ended, expired, playerId, best, origin, position } = found;
  const round = { id: found.id, seed, score, ended, expired };
  if (playerId == null || best == null || origin == null || position == null) {
    return { round, row: null };
  }
  return { round, row: { id: playerId, best, origin, position } };
}

interface StoredScoreColumns {
  playerId: string | null;
  best: bigint | null;
  origin: string | null;
  position: bigint | null;
}

export interface CountInput {
  id: string;
  userId: string;
  name: string;
  score: number;
  /** See toBest. */
  best: number;
  /** What has to have passed since it began. */
  playedMs: number;
}

/**
 * Ends a round with its score and notes that on the board, both or neither: once, by the clock of the database
 * that began it. Of two at once the second waits for the lock of the round and finds it ended.
 *
 * @returns whether it counted, and whether it is the player's best one
 */
export async function countRound(
  db: PrismaClient,
  input: CountInput,
): Promise<{ counted: boolean; improved: boolean }> {
  const rows = await db.$queryRaw<{ counted: boolean; improved: boolean }[]>`
    WITH ended AS (
      UPDATE "GameRound" SET "score" = ${input.score}::integer, "endedAt" = clock_timestamp()
      WHERE "id" = ${input.id}::text AND "userId" = ${input.userId}::text AND "endedAt" IS NULL
        AND "expiresAt" > clock_timestamp()
        AND "startedAt" + ${input.playedMs}::integer * interval '1 ms' <= clock_timestamp()
      RETURNING "userId"
    ), written AS (
      INSERT INTO "PlayerScore" AS s ("id", "name", "regionId", "best")
      SELECT "userId", ${input.name}::text, mr.local_region(), ${input.best}::bigint FROM ended
      ON CONFLICT ("id") DO UPDATE
        SET "best" = EXCLUDED."best", "name" = EXCLUDED."name", "regionId" = EXCLUDED."regionId"
        WHERE EXCLUDED."best" >> 31 > s."best" >> 31
      RETURNING s."id"
    )
    SELECT EXISTS (SELECT FROM ended) AS "counted", EXISTS (SELECT FROM written) AS "improved"`;
  const row = rows[0];
  if (!row) throw new Error("The statement returned no row.");
  return row;
}
