export const STORY_IDS = ["kill-virginia", "both-sides", "old-leader"] as const;
export type StoryId = (typeof STORY_IDS)[number];

/**
 * - `waiting`, `running`, `passed`
 * - `failed`: what it checks does not hold, or it could not be done.
 * - `skipped`: an earlier one failed, or the story was stopped.
 */
export type StepStatus = "waiting" | "running" | "passed" | "failed" | "skipped";

export interface StepProgress {
  title: string;
  status: StepStatus;
  /** What was found, or is being waited for. */
  detail: string | null;
  /** How long it took, in ms. */
  ms: number | null;
}

/** `stopped`: by a person, by a reset, or because nobody watched any more. */
export type StoryStatus = "running" | "passed" | "failed" | "stopped";

export interface StoryProgress {
  id: StoryId;
  status: StoryStatus;
  steps: StepProgress[];
  /** Where what happens can be watched, or was recorded. */
  links: { href: string; label: string }[];
  /** Violations that the client counted while it ran; null until it has ended. */
  violations: number | null;
}

export type StoryEvent =
  | { kind: "begin" }
  | { kind: "say"; detail: string }
  | { kind: "pass"; detail: string; ms: number }
  | { kind: "fail"; detail: string; ms: number }
  | { kind: "stop" }
  | { kind: "link"; href: string; label: string };

export function newStory(id: StoryId, titles: readonly string[]): StoryProgress {
  const steps = titles.map((title) => ({
    title,
    status: "waiting" as const,
    detail: null,
    ms: null,
  }));
  return { id, status: "running", steps, links: [], violations: null };
}

/** A story that has ended stays as it ended, whatever comes late. Pure. */
export function advance(story: StoryProgress, event: StoryEvent): StoryProgress {
  if (story.status !== "running") return story;
  const running = story.steps.findIndex(({ status }) => status === "running");
  const change = (index: number, change: Partial<StepProgress>) =>
    story.steps.map((step, at) => (at === index ? { ...step, ...change } : step));
  switch (event.kind) {
    case "begin": {
      const next = story.steps.findIndex(({ status }) => status === "waiting");
      if (running >= 0 || next < 0) return story;
      return { ...story, steps: change(next, { status: "running" }) };
    }
    case "say":
      return running < 0 ? story : { ...story, steps: change(running, { detail: event.detail }) };
    case "pass": {
      if (running < 0) return story;
      const { detail, ms } = event;
      const steps = change(running, { status: "passed", detail, ms });
      const done = steps.every(({ status }) => status === "passed");
      return { ...story, steps, status: done ? "passed" : "running" };
    }
    case "fail": {
      if (running < 0) return story;
      const { detail, ms } = event;
      return {
        ...story,
        status: "failed",
        steps: skipRest(change(running, { status: "failed", detail, ms })),
      };
    }
    case "stop":
      return { ...story, status: "stopped", steps: skipRest(story.steps) };
    case "link":
      return { ...story, links: [...story.links, { href: event.href, label: event.label }] };
    default:
      return event satisfies never;
  }
}

function skipRest(steps: StepProgress[]): StepProgress[] {
  return steps.map((step) =>
    step.status === "waiting" || step.status === "running" ? { ...step, status: "skipped" } : step,
  );
}
