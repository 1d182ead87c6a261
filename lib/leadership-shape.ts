export const READ_ONLY_REASONS = [
  /** Fewer than a majority of the regions can be reached from here. */
  "no-majority",
  /** The leader lost its lease while promotions are paused. */
  "paused",
  /** The leader lost its lease, and promotions are made on request only. */
  "manual",
  /** The other regions still name a leader that cannot be reached from here. */
  "unreachable",
] as const;
export type ReadOnlyReason = (typeof READ_ONLY_REASONS)[number];

/**
 * Whether single-leader entities can be written: what `GET /api/regions/leadership` answers.
 *
 * - `led`: a region has a lease from a majority.
 * - `changing`: none has, and another one is expected to within seconds.
 * - `read-only`: none has, and none will by itself.
 * - `unknown`: the regions have not been heard yet.
 */
export type LeadershipState =
  | { kind: "led"; leader: string; epoch: number }
  | { kind: "changing" }
  | { kind: "read-only"; reason: ReadOnlyReason }
  | { kind: "unknown" };

/**
 * How writes travel between the regions: the same route answers it as `bus`.
 *
 * - `redis`: announced through Redis, where the workers can be asked.
 * - `degraded`: a region has Redis and cannot reach it; its writes are pulled, which takes longer.
 * - `none`: there is no Redis to be missed.
 * - `unknown`: no worker has been heard lately.
 */
export const BUS_STATES = ["redis", "degraded", "none", "unknown"] as const;
export type BusState = (typeof BUS_STATES)[number];
