import { createHmac } from "node:crypto";
import { within } from "@/lib/db/regions/faults";
import { defaultRuntime } from "@/lib/db/regions/runtime";
import type { RegionId } from "@/lib/db/multi-region-config";
import { writeNearest } from "@/lib/db/writes/write-nearest";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { getLogger } from "@/lib/log";

/** So many attempts at once with one address, and then one each so often. Of each region. */
export const SIGN_IN_QUOTA = { attempts: 10, everyMs: 60_000 } as const;

/** A region that takes longer is passed over. */
const ANSWER_MS = 1_500;

/** Rows that are deleted with an attempt, at most: more than one attempt can add. */
const SWEPT = 20;

interface Asked {
  granted: boolean;
  waitMs: number;
}

/**
 * Counts an attempt to sign in with an address, in the nearest region that answers. A leaky bucket in its form without
 * a timer (GCRA, ITU-T I.371), kept by the row's lock: of attempts at the same moment no more are granted. Whether the
 * address has an account makes no difference. Nobody is kept out for a count that cannot be made.
 *
 * @param address in lower case
 * @returns how long to wait for the next attempt, in ms; 0 where this one is granted
 */
export async function takeAttempt(vantage: RegionId, address: string): Promise<number> {
  const key = keyOf(address);
  try {
    const asked = await writeNearest(vantage, (db) => within(ANSWER_MS, ask(db, key)));
    return !asked || asked.value.granted ? 0 : Math.max(1, asked.value.waitMs);
  } catch (error) {
    getLogger("accounts").warn({ err: error }, "An attempt to sign in could not be counted.");
    return 0;
  }
}

/** Whoever has shown the right password owes nothing. */
export async function forgiveAttempts(vantage: RegionId, address: string): Promise<void> {
  const key = keyOf(address);
  const forgive = (db: PrismaClient) =>
    within(ANSWER_MS, db.$executeRaw`DELETE FROM "SignInQuota" WHERE "key" = ${key}::text`);
  await writeNearest(vantage, forgive).catch((error: unknown) => {
    getLogger("accounts").warn({ err: error }, "Attempts to sign in could not be forgiven.");
  });
}

async function ask(db: PrismaClient, key: string): Promise<Asked> {
  const { attempts, everyMs } = SIGN_IN_QUOTA;
  const most = attempts * everyMs;
  const free = most - everyMs;
  // What is owed is bounded anew each time, so that a clock that was ahead for a while locks nobody out.
  const rows = await db.$queryRaw<Asked[]>`
    WITH asked AS MATERIALIZED (SELECT clock_timestamp() AS at), quota AS (
      INSERT INTO "SignInQuota" AS q ("key", "paidAt", "granted")
      SELECT ${key}::text, at + ${everyMs}::integer * interval '1 ms', true FROM asked
      ON CONFLICT ("key") DO UPDATE SET
        "granted" = least(q."paidAt", (SELECT at FROM asked) + ${most}::integer * interval '1 ms')
          <= (SELECT at FROM asked) + ${free}::integer * interval '1 ms',
        "paidAt" = CASE
          WHEN least(q."paidAt", (SELECT at FROM asked) + ${most}::integer * interval '1 ms')
            <= (SELECT at FROM asked) + ${free}::integer * interval '1 ms'
          THEN greatest(q."paidAt", (SELECT at FROM asked)) + ${everyMs}::integer * interval '1 ms'
          ELSE least(q."paidAt", (SELECT at FROM asked) + ${most}::integer * interval '1 ms') END
      RETURNING "granted", "paidAt"
    )
    SELECT "granted", CASE WHEN "granted" THEN 0 ELSE round(1000 * extract(epoch FROM
      "paidAt" - asked.at - ${free}::integer * interval '1 ms'))::integer END AS "waitMs"
    FROM quota, asked`;
  const row = rows[0];
  if (!row) throw new Error("The statement returned no row.");
  // A statement of its own: two that hold a row of theirs would wait for each other's here.
  void db.$executeRaw`DELETE FROM "SignInQuota" WHERE "key" IN (
      SELECT "key" FROM "SignInQuota" WHERE "paidAt" < clock_timestamp()
      ORDER BY "paidAt" LIMIT ${SWEPT}::integer FOR UPDATE SKIP LOCKED)`.catch(() => undefined);
  return row;
}

/** Under the sessions' secret, so that the table tells nobody's address. */
function keyOf(address: string): string {
  const { sessionSecret } = defaultRuntime().topology;
  return createHmac("sha256", sessionSecret).update(`sign-in ${address}`).digest("base64url");
}
