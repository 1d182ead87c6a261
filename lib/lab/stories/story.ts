import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { MeridianError } from "@/lib/errors";
import type { Fault } from "@/lib/lab/fault";
import type { InvariantClient } from "@/lib/lab/invariants/client";
import type { StoryEvent, StoryId } from "./progress";

/** What a story checks does not hold, or what it waits for does not come. The message is for the page. */
export class StoryFailedError extends MeridianError {
  constructor(message: string) {
    super("story-failed", message);
  }
}

/** What a step has to work with. */
export interface StoryTools {
  runtime: () => Runtime;
  client: InvariantClient;
  regions: readonly RegionId[];
  /** Who started it; the story's document is theirs. */
  userId: string;
  signal: AbortSignal;
  city: (region: RegionId) => string;
  /** Makes a fault, or ends one, and notes it in the timeline. */
  fault: (fault: Fault) => Promise<void>;
  /** Ends all faults, and waits until every database answers. */
  healAll: () => Promise<void>;
  tell: (event: Extract<StoryEvent, { kind: "say" | "link" }>) => void;
  /** The document is deleted at the next reset. */
  keepDocument: (id: string) => void;
}

export interface StoryStepPlan {
  title: string;
  /** Returns what was found. Throws StoryFailedError. */
  run: (tools: StoryTools) => Promise<string>;
}

export interface Story {
  id: StoryId;
  /** Fresh for each run: steps hand things on by what they close over. */
  steps: () => StoryStepPlan[];
}

export interface Progressing {
  advance: (event: StoryEvent) => void;
}

/** Runs the steps in order, until one fails or the signal aborts. Never throws. */
export async function runStory(
  steps: readonly StoryStepPlan[],
  tools: StoryTools,
  { advance }: Progressing,
): Promise<void> {
  for (const step of steps) {
    if (tools.signal.aborted) return advance({ kind: "stop" });
    advance({ kind: "begin" });
    const startedMs = performance.now();
    const ms = () => Math.round(performance.now() - startedMs);
    try {
      const detail = await step.run(tools);
      if (tools.signal.aborted) return advance({ kind: "stop" });
      advance({ kind: "pass", detail, ms: ms() });
    } catch (error) {
      if (tools.signal.aborted) return advance({ kind: "stop" });
      const detail = error instanceof Error ? error.message : String(error);
      return advance({ kind: "fail", detail, ms: ms() });
    }
  }
}

/** Polls until the condition gives something. Throws StoryFailedError, also when the story is stopped. */
export async function until<T>(
  { signal }: Pick<StoryTools, "signal">,
  timeoutMs: number,
  what: string,
  condition: () => T | null | Promise<T | null>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs && !signal.aborted) {
    const found = await condition();
    if (found !== null) return found;
    await systemSleep(50, signal);
  }
  throw new StoryFailedError(`Waited ${Math.round(timeoutMs / 1000)} s for ${what}.`);
}
