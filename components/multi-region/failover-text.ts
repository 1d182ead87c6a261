import type {
  FailoverRecord,
  FailoverRefusal,
  OrderKind,
  Recommendation,
  StrandedOutcome,
  WriteCount,
} from "@/lib/failover-shape";
import { formatMs } from "./receipt-text";

type Status = FailoverRecord["status"];

export const STATUS_LABELS: Record<Status, string> = {
  initiated: "Requested",
  in_progress: "Under way",
  completed: "Completed",
  failed: "Failed",
  rolled_back: "Rolled back",
};

export const KIND_LABELS: Record<FailoverRecord["kind"], string> = {
  automatic: "Automatic failover",
  failover: "Failover on request",
  switchover: "Switchover",
};

export const ORDER_LABELS: Record<OrderKind, string> = {
  switchover: "Switch over",
  failover: "Fail over",
};

export const ORDER_CONSEQUENCES: Record<OrderKind, string> = {
  switchover:
    "The region that leads hands over once its writes have arrived. Writes of accounts wait meanwhile, and none fails.",
  failover:
    "The region that leads is not asked. Writes of accounts wait until its lease must be over, and what it had not told the others is merged later.",
};

export const RECOMMENDATION_LABELS: Record<Exclude<Recommendation, "none">, string> = {
  switchover: "Switch over: it costs next to nothing.",
  failover: "Fail over: no region will be chosen by itself.",
  wait: "Wait: a region is being chosen by itself.",
};

export const REFUSAL_TITLES: Record<FailoverRefusal, string> = {
  "unknown-region": "There is no such region.",
  "already-leader": "It leads already.",
  "leader-changed": "Another region leads by now.",
  unhealthy: "It is not fit to lead.",
  "too-far-behind": "It is too far behind.",
  running: "Another attempt is under way.",
  "no-majority": "Too few regions can vote.",
};

export const OUTCOME_LABELS: Record<StrandedOutcome, string> = {
  merged: "Merged: every region has it.",
  superseded: "Superseded: a later version was made without it, and a conflict keeps it.",
  sibling: "Kept beside another version: somebody has to choose.",
  parked: "It could not be merged and is a dead letter: somebody has to decide.",
};

export function isRunning({ status }: FailoverRecord): boolean {
  return status === "initiated" || status === "in_progress";
}

export function describeCount(count: WriteCount): string {
  if (count.kind === "counted") return count.writes === 1 ? "1 write" : `${count.writes} writes`;
  const seen = count.leaderSeenMsAgo;
  // Zero: it is the region that does not answer.
  return seen === null || seen === 0 ? "unknown" : `unknown for ${formatMs(seen)}`;
}

export function describeMs(ms: number | null): string {
  return ms === null ? "unknown" : formatMs(ms);
}

/** From the request to its end. */
export function durationMs({ timestamp, completedAt }: FailoverRecord): number | null {
  if (completedAt === undefined) return null;
  return Math.max(0, Date.parse(completedAt) - Date.parse(timestamp));
}
