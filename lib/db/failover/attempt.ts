import type { RegionId } from "@/lib/db/regions/region-id";
import type { PositionsJson } from "@/lib/db/sessions/positions";

export const ATTEMPT_STATUSES = [
  "initiated",
  "in_progress",
  "completed",
  "failed",
  "rolled_back",
] as const;
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];

/** `automatic` and `failover` wait until the old lease must be over; `switchover` has it given up. */
export const ATTEMPT_KINDS = ["automatic", "failover", "switchover"] as const;
export type AttemptKind = (typeof ATTEMPT_KINDS)[number];

export const STEP_NAMES = [
  "prepare",
  "promise",
  "measure",
  "pull",
  "publish",
  "release",
  "drain",
  "wait",
  "serve",
  "roll back",
] as const;
export type StepName = (typeof STEP_NAMES)[number];

export interface AttemptStep {
  name: StepName;
  /** Since the attempt started. */
  startedMs: number;
  ms: number;
  detail: string;
}

/** Why an attempt ended without a new leader. */
export const ATTEMPT_FAILURES = [
  "no-majority",
  "superseded",
  "renewed",
  "unhealthy",
  "behind",
  "busy",
  "no-lease",
  "abandoned",
] as const;
export type AttemptFailure = (typeof ATTEMPT_FAILURES)[number];

/** One attempt to change the leader, as every region's history has it. Times are ISO 8601. */
export interface Attempt {
  id: string;
  kind: AttemptKind;
  from: RegionId | null;
  to: RegionId;
  epoch: bigint | null;
  reason: string;
  requestedBy: string;
  status: AttemptStatus;
  steps: AttemptStep[];
  failure: AttemptFailure | null;
  error: string | null;
  /** What the new leader had of every other actor when it began to lead. */
  cut: PositionsJson;
  requestedAt: string;
  startedAt: string | null;
  completedAt: string | null;
}
