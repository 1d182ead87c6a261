import type { Invariants, LabRegion } from "@/lib/lab/lab-shape";
import { violationsIn } from "@/lib/lab/lab-shape";
import type { PartState } from "@/lib/lab/planet-state";
import type { StoryId, StoryProgress } from "@/lib/lab/stories/progress";

/** A part that the planet has not started: a database or a Redis of the environment. */
export const NOT_OURS = "not of this planet";

export const PART_WORDS: Readonly<Record<PartState, string>> = {
  running: "runs",
  stopped: "paused",
  down: "restarting",
  held: "kept down",
};

export function partWord(state: PartState | null): string {
  return state === null ? NOT_OURS : PART_WORDS[state];
}

export function clockWord(aheadMs: number | null): string {
  if (aheadMs === null) return "that of the machine";
  if (aheadMs === 0) return "right";
  return `${Math.abs(aheadMs) / 1_000} s ${aheadMs > 0 ? "ahead" : "behind"}`;
}

/** Of a region in the picture, the most important thing first. */
export function regionWord({ database, worker, clockAheadMs, leading }: LabRegion): string {
  if (database !== null && database !== "running") return `database ${PART_WORDS[database]}`;
  if (leading.kind === "unknown") return "does not answer";
  if (worker !== null && worker !== "running") return `worker ${PART_WORDS[worker]}`;
  if (clockAheadMs) return `clock ${clockWord(clockAheadMs)}`;
  return leading.kind === "leads" ? `leads epoch ${leading.epoch}` : "follows";
}

export const STORIES: readonly { id: StoryId; title: string; text: string }[] = [
  {
    id: "kill-virginia",
    title: "Kill Virginia while you type",
    text: "Virginia’s database is killed while somebody types there and clients everywhere write what needs a leader. Typing is saved elsewhere at once; another region leads within seconds.",
  },
  {
    id: "both-sides",
    title: "Edit on both sides of a cut",
    text: "Two regions hear nothing of each other, and one document is changed in both. Once the link heals both texts are in all regions, and what no machine should decide is kept for a person.",
  },
  {
    id: "old-leader",
    title: "The old leader comes back",
    text: "The leading database is stopped past its lease and goes on as if nothing had happened. It must take not one write, and what it had told nobody is merged or listed.",
  },
];

export const STORY_WORDS: Readonly<Record<StoryProgress["status"], string>> = {
  running: "running",
  passed: "passed",
  failed: "failed",
  stopped: "stopped",
};

export interface Verdict {
  tone: "ok" | "warn" | "bad" | "info";
  text: string;
}

/** What the counts come to. Nobody is told that all is well while somebody could not be asked. */
export function verdictOf(counted: Invariants, city: (id: string) => string): Verdict {
  const violations = violationsIn(counted);
  if (violations > 0) {
    return { tone: "bad", text: `${violations} ${violations === 1 ? "violation" : "violations"}` };
  }
  if (counted.silent.length > 0) {
    const names = counted.silent.map(city).join(" and ");
    return { tone: "warn", text: `0 violations; ${names} can’t be asked` };
  }
  if (counted.acknowledged === 0) return { tone: "info", text: "Nothing was written yet" };
  if (counted.unknown + counted.onTheWay > 0) {
    return { tone: "info", text: "0 violations; some writes are still on their way" };
  }
  return { tone: "ok", text: "0 violations" };
}
