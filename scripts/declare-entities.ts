import type { ClientBase } from "pg";
import { policiesUnder } from "@/lib/db/conflicts/policies";
import { policyJson, samePolicy, type PolicyDefaults } from "@/lib/db/conflicts/policy";

/**
 * Declares every entity to a migrated database, as `lib/db/conflicts/policies.ts` has it under the
 * configured defaults. One whose policy and columns are as they were is left alone: declaring regenerates its triggers, for which
 * writers have to wait.
 */
export async function declareEntities(
  client: ClientBase,
  defaults: PolicyDefaults,
): Promise<string[]> {
  const { rows } = await client.query<{ name: string; policy: unknown; current: boolean }>(
    `SELECT e.name, e.policy, e.columns = (
       SELECT array_agg(c.column_name::text ORDER BY c.ordinal_position)
       FROM information_schema.columns c
       WHERE c.table_schema = 'public' AND c.table_name = e.name) AS current
     FROM mr.entity e`,
  );
  const declared = new Map(rows.map((row) => [row.name, row]));
  const changed = Object.entries(policiesUnder(defaults)).filter(([name, policy]) => {
    const row = declared.get(name);
    return !row?.current || !samePolicy(policy, row.policy);
  });
  for (const [name, policy] of changed) {
    await client.query("SELECT mr.declare($1, $2::jsonb)::text", [name, policyJson(policy)]);
  }
  return changed.map(([name]) => name);
}
