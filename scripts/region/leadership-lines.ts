import type { Attempt } from "@/lib/db/failover/attempt";
import type { Look } from "@/lib/db/failover/report";
import type { CandidateView, FailoverPreview, WriteCount } from "@/lib/failover-shape";

const NAME_WIDTH = 16;

export function statusLine({ id, report, failure }: Look): string {
  const name = id.padEnd(NAME_WIDTH);
  if (!report) return `${name} not reached: ${failure}`;
  const role =
    report.leading === null
      ? report.leader === id
        ? "leader without a lease"
        : `follows ${report.leader}`
      : `leads, ${Math.round(report.heldMs ?? 0)} ms of its lease left`;
  const marks = [
    ...(report.state === "ready" ? [] : [report.state]),
    ...(report.votes ? [] : ["does not vote"]),
    ...(report.paused ? ["paused"] : []),
    ...(report.suspects ? [`cannot reach ${report.suspects}`] : []),
    ...(report.stalled.length > 0 ? [`stalled: ${report.stalled.join(", ")}`] : []),
  ];
  return [`${name} epoch ${report.epoch}  ${role}`, ...marks].join("; ");
}

export function attemptLine(attempt: Attempt): string {
  const steps = attempt.steps.map(({ name, ms }) => `${name} ${ms} ms`).join(", ");
  const outcome = attempt.error ? `${attempt.status}: ${attempt.error}` : attempt.status;
  return `${attempt.requestedAt}  ${attempt.kind}  ${attempt.from ?? "?"} -> ${attempt.to}  ${outcome}  (${attempt.reason}, ${attempt.requestedBy})${steps ? `\n    ${steps}` : ""}`;
}

function seen(ms: number | null): string {
  return ms === null ? "never seen" : `last seen ${(ms / 1000).toFixed(1)} s ago`;
}

function writes(count: WriteCount): string {
  return count.kind === "counted"
    ? `${count.writes} writes`
    : `an unknown number of writes (the leader was ${seen(count.leaderSeenMsAgo)})`;
}

const gap = (ms: number | null) => (ms === null ? "unknown" : `${ms} ms`);

function candidateLines(candidate: CandidateView): string[] {
  const { regionId, refusal, behindMs } = candidate;
  if (candidate.leads && refusal) return [`${regionId.padEnd(NAME_WIDTH)} leads`];
  if (!candidate.reachable) return [`${regionId.padEnd(NAME_WIDTH)} does not answer`];
  const behind = behindMs === null ? "an unknown time behind" : `${Math.round(behindMs)} ms behind`;
  return [
    `${regionId.padEnd(NAME_WIDTH)} ${refusal ? `refused (${refusal.reason}): ${refusal.message}` : `recommended: ${candidate.recommended}`}`,
    `    ${behind}, lacks ${writes(candidate.lacks)}`,
    `    switchover  nothing is left behind; writes wait for about ${gap(candidate.switchoverGapMs)}`,
    `    failover    leaves behind up to ${writes(candidate.stranded)}; writes wait for about ${gap(candidate.failoverGapMs)}`,
  ];
}

/** @param target of all candidates, the one to tell of */
export function previewLines(preview: FailoverPreview, target?: string): string[] {
  const { leader, candidates, voting, registered } = preview;
  const shown = candidates.filter(({ regionId }) => target === undefined || regionId === target);
  const lease =
    leader?.leaseRemainingMs == null
      ? "without a lease"
      : `${Math.round(leader.leaseRemainingMs)} ms of its lease left`;
  return [
    leader
      ? `leader ${leader.regionId}, epoch ${leader.epoch}, ${leader.reachable ? lease : seen(leader.seenMsAgo)}`
      : "no region answers",
    `${voting} of ${registered} regions vote${preview.paused ? `; paused: ${preview.pauseReason}` : ""}${preview.running ? "; an attempt is running" : ""}`,
    ...(shown.length > 0 ? shown.flatMap(candidateLines) : [`There is no region ${target}.`]),
  ];
}
