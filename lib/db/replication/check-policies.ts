import type pg from "pg";
import { ENTITY_POLICIES } from "@/lib/db/conflicts/policies";
import { samePolicy } from "@/lib/db/conflicts/policy";
import { ConfigurationError } from "@/lib/errors";

/**
 * Throws ConfigurationError unless the database merges every entity as this code declares it. A
 * region that merged otherwise would diverge from the others without a sign.
 */
export async function checkPolicies(pool: pg.Pool, region: string): Promise<void> {
  const { rows } = await pool.query<{ name: string; policy: unknown }>(
    "SELECT name, policy FROM mr.entity",
  );
  const declared = new Map(rows.map(({ name, policy }) => [name, policy]));
  const differing = Object.entries(ENTITY_POLICIES)
    .filter(([name, policy]) => !samePolicy(policy, declared.get(name)))
    .map(([name]) => name);
  if (differing.length > 0) {
    throw new ConfigurationError(
      `The database of ${region} merges ${differing.join(", ")} by another policy than this version of the program: run "npm run db:migrate".`,
    );
  }
}
