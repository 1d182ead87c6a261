import { MeridianError } from "@/lib/errors";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Position, Positions } from "@/lib/db/sessions/positions";

/** What a region's database says of itself: `mr.control()`. */
export interface ControlSample {
  region: RegionId;
  actor: Actor;
  state: "ready" | "copying" | "restored";
  /** Of the server, and of its clock: anew where that was set back. */
  boot: string;
  /** Whether it may grant and promise. */
  votes: boolean;
  /** All registered regions: what a majority is of. */
  regions: readonly RegionId[];
  promisedEpoch: bigint;
  promisedTo: string;
  grants: bigint;
  /** Of the last grant here. */
  epoch: bigint;
  leader: string;
  leaderActor: Actor | null;
  leaseEpoch: bigint;
  /** Epochs up to this one have been given up here. */
  released: bigint;
  /** The epoch under whose lease it may write now; null without one. */
  leading: bigint | null;
  /** What is left of that lease, by its clock. */
  heldMs: number | null;
  /** The leader that its own worker cannot reach. */
  suspects: string | null;
  pauseVersion: bigint;
  paused: boolean;
  /** How far it has applied each actor. */
  cursors: Positions;
  stalled: readonly string[];
  lastEvent: Position;
  /** Id of an attempt that waits for its worker. */
  request: string | null;
  /** Its clock, as text that loses no digit: what a lease may start from after a probe. */
  now: string;
}

export type GrantOutcome = "granted" | "superseded" | "unready" | "suspect";
export type PromiseOutcome = "promised" | "superseded" | "unready" | "renewed";
export type HoldOutcome =
  | "held"
  | "superseded"
  /** No promotion has begun this epoch here, or not yet. */
  | "not-begun"
  | "restarted"
  | "unready"
  | "clock"
  /** The first of its epoch, and over when it came: its promotion has been given up. */
  | "late";

export type PromiseAnswer =
  | { outcome: Exclude<PromiseOutcome, "promised"> }
  /** All of it from after the promise. */
  | {
      outcome: "promised";
      /** Whom it has followed until then. */
      epoch: bigint;
      leader: string;
      /** What it holds and the candidate lacks. */
      rows: RowsPart[];
    };

/** What a region has, for another one to say what it lacks. */
export interface Held {
  /** Its own writes are never lacking. */
  actor: Actor;
  cursors: Positions;
}

export interface PromiseRequest {
  epoch: bigint;
  candidate: RegionId;
  /** Asking again for the same attempt is harmless. */
  attempt: string;
  /** The count of grants that has stood still; null where the lease will be released, or waited out. */
  expected: { actor: Actor; grants: bigint } | null;
  held: Held;
}

export interface LeaseRequest {
  epoch: bigint;
  /** `start` and `boot` are of a probe from before the grants. */
  start: string;
  boot: string;
  leaseMs: number;
  /** Whether this is the first lease of the epoch, which only a promotion may hold. */
  begin: boolean;
}

/** Writes under way at the leader did not end in time; it still leads. */
export class LeaderBusyError extends MeridianError {
  constructor(region: RegionId, options: { cause?: unknown } = {}) {
    super("leader-busy", `Writes under way in ${region} did not end in time.`, options);
  }
}

/** Rows in flight between two regions; only the two ends know how they are written. */
export interface RowsPart {
  entity: string;
  events: number;
  payload: Buffer;
}

/**
 * One region's database, for the control plane. Every call is one round trip and one transaction, safe
 * to repeat, and rejects where the database does not answer: then it may have happened or not.
 */
export interface RegionControl {
  readonly region: RegionId;
  /** A durable write, then the sample. */
  probe(): Promise<ControlSample>;
  sample(): Promise<ControlSample>;
  grant(epoch: bigint, leader: RegionId, actor: Actor): Promise<GrantOutcome>;
  promise(request: PromiseRequest): Promise<PromiseAnswer>;
  hold(request: LeaseRequest): Promise<HoldOutcome>;
  /**
   * Waits up to `waitMs` for writes under way. Returns what was written here past `after`. Throws
   * LeaderBusyError where it gave nothing up.
   */
  release(epoch: bigint, after: Position, waitMs: number): Promise<RowsPart[]>;
  /** Single-leader rows that this region has past what another one has. */
  rowsBeyond(held: Held): Promise<RowsPart[]>;
  merge(parts: readonly RowsPart[]): Promise<void>;
  suspect(leader: RegionId | null): Promise<void>;
}
