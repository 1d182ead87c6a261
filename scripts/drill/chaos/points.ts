import type { Failpoint } from "@/lib/failpoints";

interface Passed {
  /** In a worker's life at the latest. */
  withinMs: number;
  /** As often as some seconds are sure to take it there. */
  times: number;
}

/** What a worker passes by itself. */
const AT_WORK: Partial<Record<Failpoint, Passed>> = {
  "publisher:read": { withinMs: 8_000, times: 12 },
  "publisher:published": { withinMs: 8_000, times: 12 },
  "applier:read": { withinMs: 8_000, times: 12 },
  "applier:applied": { withinMs: 8_000, times: 12 },
  "lease:granted": { withinMs: 8_000, times: 8 },
  "trimmer:trimmed": { withinMs: 12_000, times: 1 },
  "placement:copied": { withinMs: 20_000, times: 1 },
  "placement:seen": { withinMs: 20_000, times: 1 },
  // With the fourth look, one in a quarter of a minute.
  "collector:deleted": { withinMs: 75_000, times: 1 },
};

/** What sets a worker on its way to the lead: the leading database is killed, or somebody asks. */
export type Way = "kill" | "failover" | "switchover";

/** What a worker passes on its way to the lead. */
const IN_CANDIDACY: Partial<Record<Failpoint, Way>> = {
  "promotion:promised": "kill",
  "promotion:pulled": "kill",
  "promotion:published": "kill",
  "promotion:served": "kill",
  // Only where the promises do not show that the last lease is over.
  "promotion:measured": "failover",
  "handover:promised": "switchover",
  "handover:published": "switchover",
  "handover:released": "switchover",
  "handover:drained": "switchover",
};

const pointsOf = (passed: Partial<Record<Failpoint, unknown>>) =>
  Object.keys(passed) as Failpoint[];

export const WORK_POINTS = pointsOf(AT_WORK);
export const CANDIDACY_POINTS = pointsOf(IN_CANDIDACY);
/** What a worker passes while it heals a database that was put back. */
export const HEALING_POINTS: readonly Failpoint[] = [
  "recovery:incarnated",
  "copy:sent",
  "copy:merged",
  "recovery:copied",
];

export const passedAtWork = (point: Failpoint): Passed =>
  AT_WORK[point] ?? { withinMs: 0, times: 1 };

export const wayTo = (point: Failpoint): Way => IN_CANDIDACY[point] ?? "kill";
