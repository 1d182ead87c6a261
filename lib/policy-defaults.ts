/** Who may write an entity, and who has an acknowledged write. docs/TOPOLOGIES.md */
export const TOPOLOGIES = ["single-leader", "multi-leader", "leaderless"] as const;
export type Topology = (typeof TOPOLOGIES)[number];

/** Who has an acknowledged write: the region that took it, or a majority of the regions. */
export const DURABILITIES = ["region", "quorum"] as const;
export type Durability = (typeof DURABILITIES)[number];

/** What holds for an entity that does not say otherwise. */
export interface PolicyDefaults {
  readonly topology: Topology;
  readonly durability: Durability;
}

/** How much longer than its round trip, in ms, a region may take before a leaderless read asks another one. */
export const STANDARD_QUORUM_HEDGE_MS = 60;

/** How many connections a process opens to one endpoint, at most. */
export const STANDARD_CONNECTIONS = 10;

export const STANDARD_DEFAULTS: PolicyDefaults = {
  topology: "multi-leader",
  durability: "region",
};
