import type { Pool } from "pg";
import { parsePolicy, policyJson } from "@/lib/db/conflicts/policy";

/** Replication metadata, as every replicated table has it. */
const META = `"deletedAt" timestamptz(3), clock jsonb NOT NULL DEFAULT '{}', hlc bigint NOT NULL DEFAULT 0,
  origin text NOT NULL DEFAULT '', position bigint NOT NULL DEFAULT 0, merge jsonb NOT NULL DEFAULT '{}'`;

/** One entity per strategy of a row, and one with a field of each strategy of a field. */
export const STRATEGY_TABLES = {
  Lww: { columns: "a text, b text", policy: { strategy: "last-write-wins" } },
  LwwDelete: {
    columns: "a text, b text",
    policy: { strategy: "last-write-wins", deletion: "delete-wins" },
  },
  Fww: { columns: "a text, b text", policy: { strategy: "first-write-wins" } },
  Manual: { columns: "a text, b text", policy: { strategy: "manual" } },
  Custom: { columns: "a text, b text", policy: { strategy: "custom" } },
  Fields: {
    columns: `lww text, fww text, high integer, low integer, counter integer NOT NULL DEFAULT 0,
      stock integer NOT NULL DEFAULT 0, tags text[] NOT NULL DEFAULT '{}', manual text, author text`,
    policy: {
      strategy: "merge",
      deletion: "update-wins",
      author: "author",
      fields: {
        fww: { strategy: "first-write-wins" },
        high: { strategy: "max" },
        low: { strategy: "min" },
        counter: { strategy: "pn-counter" },
        stock: { strategy: "bounded-counter" },
        tags: { strategy: "or-set" },
        manual: { strategy: "manual" },
        author: { strategy: "last-write-wins", quiet: true },
      },
    },
  },
} as const;

export type StrategyTable = keyof typeof STRATEGY_TABLES;

/** Makes and declares them in every region, before its workers start. */
export async function createStrategyTables(pools: readonly Pool[]): Promise<void> {
  await Promise.all(
    pools.map(async (pool) => {
      for (const [name, { columns, policy }] of Object.entries(STRATEGY_TABLES)) {
        await pool.query(`CREATE TABLE "${name}" (id text PRIMARY KEY, ${columns}, ${META})`);
        await pool.query("SELECT mr.declare($1, $2::jsonb)::text", [
          name,
          policyJson(parsePolicy(policy)),
        ]);
      }
    }),
  );
}
