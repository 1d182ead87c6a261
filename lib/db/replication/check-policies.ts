import type pg from "pg";
import { policiesUnder } from "@/lib/db/conflicts/policies";
import { samePolicy, type PolicyDefaults } from "@/lib/db/conflicts/policy";
import { ConfigurationError } from "@/lib/errors";

/**
 * Throws ConfigurationError unless the database merges every entity as this code declares it under
 * these defaults. A region that merged otherwise would diverge from the others without a sign, and
 * one that fenced otherwise would refuse or take what it should not.
 */
export async function checkPolicies(
  pool: pg.Pool,
  region: string,
  defaults: PolicyDefaults,
): Promise<void> {
  const { rows } = await pool.query<{ name: string; policy: unknown }>(
    "SELECT name, policy FROM mr.entity",
  );
  const declared = new Map(rows.map(({ name, policy }) => [name, policy]));
  const differing = Object.entries(policiesUnder(defaults))
    .filter(([name, policy]) => !samePolicy(policy, declared.get(name)))
    .map(([name]) => name);
  if (differing.length > 0) {
    throw new ConfigurationError(
      `The database of ${region} has ${differing.join(", ")} by another policy than this version of the program, with DEFAULT_TOPOLOGY=${defaults.topology} and DEFAULT_DURABILITY=${defaults.durability}: run "npm run db:migrate".`,
    );
  }
}
