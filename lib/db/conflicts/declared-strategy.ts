import { DELETION } from "./conflict-record";
import type { EntityType } from "./entities";
import { ENTITY_POLICIES } from "./policies";
import { fieldPolicy, type EntityPolicy } from "./policy";

/** The strategy that an entity declares for a field; of a deletion, its rule. */
export function declaredStrategy(entityType: EntityType, field: string): string {
  const policy: EntityPolicy = ENTITY_POLICIES[entityType];
  if (field !== DELETION) return fieldPolicy(policy, field).strategy;
  if (policy.deletion !== "last-write") return policy.deletion;
  return policy.strategy === "merge" ? "last-write-wins" : policy.strategy;
}
