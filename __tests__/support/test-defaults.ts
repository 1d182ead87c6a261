import { STANDARD_DEFAULTS, TOPOLOGIES, type PolicyDefaults } from "@/lib/policy-defaults";

/** What holds in tests of the `pg` projects for entities that say nothing else: `MERIDIAN_TEST_TOPOLOGY`. */
export function testDefaults(): PolicyDefaults {
  const asked = process.env.MERIDIAN_TEST_TOPOLOGY ?? STANDARD_DEFAULTS.topology;
  const topology = TOPOLOGIES.find((name) => name === asked);
  if (!topology) throw new Error(`MERIDIAN_TEST_TOPOLOGY is one of ${TOPOLOGIES.join(", ")}.`);
  return { ...STANDARD_DEFAULTS, topology };
}

/** Of tests that write in several regions themselves, whatever `MERIDIAN_TEST_TOPOLOGY` says. */
export const MULTI_LEADER = { topology: "multi-leader" } as const satisfies Partial<PolicyDefaults>;
