import type { PositionsJson } from "./positions";

/**
 * - `strong`: the leader's state; all there is of single-leader entities, one region's of multi-leader
 *   ones. Of leaderless ones all that was acknowledged, wherever.
 * - `{ boundedMs }`: at most that many ms behind every other region.
 * - `session`: everything that this session wrote or saw, and never older than that.
 * - `eventual`: whatever the nearest region has.
 */
export type ReadLevel = "strong" | { boundedMs: number } | "session" | "eventual";

/** Why a region served. */
export const ROUTE_REASONS = [
  /** The preferred region had all that was required. */
  "nearest",
  /** It was behind and caught up within the wait. */
  "waited",
  /** The replica that it is read from was behind; its primary was not. */
  "primary",
  /** It was behind; another region was not. */
  "redirected-behind",
  /** It could not be reached. */
  "redirected-down",
  /** The level or the entity asks for the leader. */
  "redirected-leader",
  /** The nearest region holds too few of the rights that the write takes. */
  "redirected-rights",
  /** What is read or written must not be in the nearest region. */
  "redirected-residency",
  /** The session's token was not believed, so the leader serves. */
  "invalid-token",
  /** No region within reach has what was required: older data, said to be older. */
  "stale-fallback",
  /** The level asks for the leader, and the region could not show that it leads. */
  "no-lease",
  /** Several regions were asked, and the answer is what they have together. */
  "quorum",
  /** The level asks for several regions, and too few answered. */
  "no-quorum",
] as const;

export type RouteReason = (typeof ROUTE_REASONS)[number];

/** A ReadLevel without its bound. */
export const LEVEL_NAMES = ["strong", "bounded", "session", "eventual"] as const;

/** How one read or write was served. JSON-safe; positions are decimal text by actor. */
export interface Receipt {
  kind: "read" | "write";
  level: (typeof LEVEL_NAMES)[number];
  regionId: string;
  /** Where the code ran. */
  vantage: string;
  /** Routing, waiting and the query, in ms. */
  elapsedMs: number;
  /** Part of it spent on finding or waiting for a fresh region. */
  waitedMs: number;
  redirected: boolean;
  reason: RouteReason;
  /** Open entries of the session that the answer had to include. */
  required: PositionsJson;
  /** What the region was known to have of those actors. */
  applied: PositionsJson;
  /**
   * Of a read that had to include something: all regions from near to far, what each was known to
   * have of it, and whether it could be reached.
   */
  candidates?: readonly { regionId: string; down: boolean; applied: PositionsJson }[];
  /** The answer lacks something that was required. */
  stale: boolean;
  /**
   * False while Redis is away: then only this request's token and this process know the session,
   * and what another device wrote or saw was not required.
   */
  sessionComplete: boolean;
  /** The region had given the answer before, and its Redis had kept it. */
  fromCache?: boolean;
  epoch: number;
  leader: string;
  /**
   * Of a write that asked for a quorum: whether as many regions as that needs were known to have it
   * when this was made. `unconfirmed` is written all the same, and replicated like any other. Of a strong read: whether
   * that holds for what it shows; unconfirmed, that may yet be lost with its leader.
   */
  quorum?: "held" | "unconfirmed";
  /** Of such a write, or of a read of several regions: how many were needed, and which answered. */
  copies?: { needed: number; regions: string[] };
  /** Of such a read: regions that were behind, and have been told where to get what they lack. */
  repaired?: string[];
}

export function levelName(level: ReadLevel): Receipt["level"] {
  return typeof level === "object" ? "bounded" : level;
}
