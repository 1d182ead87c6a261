import { DELETION } from "./conflict-record";
import type { EntityType } from "./entities";
import { policiesUnder } from "./policies";
import { fieldPolicy, STANDARD_DEFAULTS } from "./policy";

/** Strategies do not depend on what is configured. */
const POLICIES = policiesUnder(STANDARD_DEFAULTS);

/** The strategy that an entity declares for a field; of a deletion, its rule. */
export function declaredStrategy(entityType: EntityType, field: string): string {
  const policy = POLICIES[entityType];
  if (field !== DELETION) return fieldPolicy(policy, field).strategy;
  if (policy.deletion !== "last-write") return policy.deletion;
  return policy.strategy === "merge" ? "last-write-wins" : policy.strategy;
}
