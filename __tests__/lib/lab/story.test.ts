import { describe, expect, it } from "vitest";
import { advance, newStory, type StoryProgress } from "@/lib/lab/stories/progress";
import {
  runStory,
  StoryFailedError,
  until,
  type StoryStepPlan,
  type StoryTools,
} from "@/lib/lab/stories/story";
import { Watchers, SILENT_MS } from "@/lib/lab/watchers";

async function told(steps: StoryStepPlan[], stop = new AbortController()): Promise<StoryProgress> {
  let story = newStory(
    "old-leader",
    steps.map(({ title }) => title),
  );
  const tools = { signal: stop.signal } as StoryTools;
  await runStory(steps, tools, { advance: (event) => (story = advance(story, event)) });
  return story;
}

const step = (title: string, run: StoryStepPlan["run"]): StoryStepPlan => ({ title, run });

describe("a story", () => {
  it("passes when every step does", async () => {
    const story = await told([step("one", async () => "first"), step("two", async () => "second")]);
    expect(story.status).toBe("passed");
    expect(story.steps.map(({ detail }) => detail)).toEqual(["first", "second"]);
  });

  it("ends at the first step that fails, with its reason", async () => {
    let went = false;
    const story = await told([
      step("one", async () => {
        throw new StoryFailedError("It took a write.");
      }),
      step("two", async () => String((went = true))),
    ]);
    expect(story.status).toBe("failed");
    expect(story.steps[0]).toMatchObject({ status: "failed", detail: "It took a write." });
    expect(story.steps[1]?.status).toBe("skipped");
    expect(went).toBe(false);
  });

  it("fails a step that waits for what does not come", async () => {
    const story = await told([
      step("one", (tools) => until<string>(tools, 60, "a sign", () => null)),
    ]);
    expect(story.steps[0]).toMatchObject({ status: "failed" });
    expect(story.steps[0]?.detail).toContain("for a sign");
  });

  it("is stopped, not failed, when it is stopped in the middle of a step", async () => {
    const stop = new AbortController();
    const story = await told(
      [
        step("one", async (tools) => {
          setTimeout(() => stop.abort(), 20);
          return until<string>(tools, 10_000, "a sign", () => null);
        }),
        step("two", async () => "never"),
      ],
      stop,
    );
    expect(story.status).toBe("stopped");
    expect(story.steps.map(({ status }) => status)).toEqual(["skipped", "skipped"]);
  });
});

describe("those who watch the lab", () => {
  it("are nobody once the last page has left or is silent for 30 s", () => {
    let nowMs = 0;
    const watchers = new Watchers(() => nowMs);
    expect(watchers.nobody()).toBe(true);
    watchers.ask("one");
    watchers.ask("two");
    expect(watchers.leave("one")).toBe(false);
    nowMs = SILENT_MS;
    expect(watchers.nobody()).toBe(false);
    nowMs = SILENT_MS + 1;
    expect(watchers.nobody()).toBe(true);
    watchers.ask("two");
    expect(watchers.leave("two")).toBe(true);
  });
});
