/* What the routes about failover answer. Pages read it, so nothing here needs a database. */

/** Why a request that a region lead is refused before anything is done. */
export const FAILOVER_REFUSALS = [
  "unknown-region",
  "already-leader",
  /** Another region leads than whoever asked believed. */
  "leader-changed",
  /** It does not answer, may not vote, or its worker does not run. */
  "unhealthy",
  "too-far-behind",
  /** Another attempt is. */
  "running",
  "no-majority",
] as const;
export type FailoverRefusal = (typeof FAILOVER_REFUSALS)[number];

/** What an operator may ask for: `switchover` has the lease given up, `failover` waits it out. */
export const ORDER_KINDS = ["switchover", "failover"] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

/**
 * - `none`: it leads, or cannot.
 * - `wait`: the workers choose a leader by themselves.
 */
export const RECOMMENDATIONS = ["none", "wait", ...ORDER_KINDS] as const;
export type Recommendation = (typeof RECOMMENDATIONS)[number];

/** How many writes of single-leader entities; counting stops at 10,000 per entity. */
export type WriteCount =
  | { kind: "counted"; writes: number }
  /** The region or the leader does not answer. The leader was last seen so long ago; null: never. */
  | { kind: "unknown"; leaderSeenMsAgo: number | null };

export interface Refused {
  reason: FailoverRefusal;
  message: string;
}

export interface CandidateView {
  regionId: string;
  /** Its database answers. */
  reachable: boolean;
  /** It may grant and promise. */
  votes: boolean;
  leads: boolean;
  /** How far it has applied the leader's stream. Decimal text. */
  position: string | null;
  /** The leader's writes that it has not. */
  lacks: WriteCount;
  /** Those of them that no other region which votes now has: they would be left behind for a while. */
  stranded: WriteCount;
  /** It has everything that the leader wrote until so long ago; null where that is not known. */
  behindMs: number | null;
  /** How long single-leader entities could not be written; null where it can't be told. */
  switchoverGapMs: number | null;
  failoverGapMs: number | null;
  refusal: Refused | null;
  recommended: Recommendation;
}

export interface FailoverPreview {
  leader: {
    regionId: string;
    reachable: boolean;
    /** It has a valid lease. */
    leading: boolean;
    epoch: number;
    leaseRemainingMs: number | null;
    /** The last position of its stream that anybody knows of. Decimal text. */
    lastPosition: string | null;
    seenMsAgo: number | null;
  } | null;
  /** Regions that may vote now, of how many. */
  voting: number;
  registered: number;
  paused: boolean;
  pauseReason: string | null;
  /** Id of an attempt that somebody works on. */
  running: string | null;
  candidates: CandidateView[];
}

export interface FailoverStep {
  name: string;
  /** Since the attempt started. */
  startedMs: number;
  ms: number;
  /** Only for administrators. */
  detail?: string;
}

/** One of what `GET /api/regions/failovers` answers. Times are ISO 8601. */
export interface FailoverRecord {
  id: string;
  timestamp: string;
  fromRegion: string | null;
  toRegion: string;
  /** Others than administrators are told by what kind of request only. */
  reason: string;
  status: "initiated" | "in_progress" | "completed" | "failed" | "rolled_back";
  kind: "automatic" | OrderKind;
  epoch: number | null;
  steps: FailoverStep[];
  startedAt?: string;
  completedAt?: string;
  /** Why it ended without a new leader, as one word. */
  failure?: string;
  /** Only for administrators, like what follows. */
  error?: string;
  requestedBy?: string;
}

export const STRANDED_OUTCOMES = ["merged", "superseded", "sibling", "parked"] as const;
export type StrandedOutcome = (typeof STRANDED_OUTCOMES)[number];

/** A write of a former leader that the next one had not, once its region is back. */
export interface StrandedRecord {
  /** Of the former leader. */
  actor: string;
  position: string;
  entity: string;
  entityId: string;
  /** The epoch that began without it. */
  epoch: number;
  outcome: StrandedOutcome;
  conflictId: string | null;
  foundAt: string;
}

/** What `POST /api/regions/pause` answers. */
export interface PauseResult {
  paused: boolean;
  /** Regions that know of it now, and those that could not be told. */
  told: string[];
  missed: string[];
}
