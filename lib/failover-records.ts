import type { Attempt } from "@/lib/db/failover/attempt";
import type { FailoverRecord } from "@/lib/failover-shape";

const iso = (time: string) => new Date(time).toISOString();

/**
 * An attempt as the routes tell it.
 *
 * @param detailed whether to add what only administrators may know: who asked, what they typed, and texts of
 *   errors, which may quote a database
 */
export function toFailoverRecord(attempt: Attempt, detailed: boolean): FailoverRecord {
  const { kind, failure, error } = attempt;
  return {
    id: attempt.id,
    timestamp: iso(attempt.requestedAt),
    fromRegion: attempt.from,
    toRegion: attempt.to,
    reason: detailed ? attempt.reason : kind === "automatic" ? "automatic" : "on request",
    status: attempt.status,
    kind,
    epoch: attempt.epoch === null ? null : Number(attempt.epoch),
    steps: attempt.steps.map(({ name, startedMs, ms, detail }) => ({
      name,
      startedMs,
      ms,
      ...(detailed && detail ? { detail } : {}),
    })),
    ...(attempt.startedAt === null ? {} : { startedAt: iso(attempt.startedAt) }),
    ...(attempt.completedAt === null ? {} : { completedAt: iso(attempt.completedAt) }),
    ...(failure === null ? {} : { failure }),
    ...(detailed && error !== null ? { error } : {}),
    ...(detailed ? { requestedBy: attempt.requestedBy } : {}),
  };
}
