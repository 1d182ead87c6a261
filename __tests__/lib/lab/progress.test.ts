import { describe, expect, it } from "vitest";
import {
  advance,
  newStory,
  type StoryEvent,
  type StoryProgress,
  type StoryStatus,
} from "@/lib/lab/stories/progress";

const BEGIN: StoryEvent = { kind: "begin" };
const PASS: StoryEvent = { kind: "pass", detail: "found", ms: 5 };
const FAIL: StoryEvent = { kind: "fail", detail: "not found", ms: 7 };
const STOP: StoryEvent = { kind: "stop" };
const SAY: StoryEvent = { kind: "say", detail: "looking" };

const after = (...events: StoryEvent[]): StoryProgress =>
  events.reduce(advance, newStory("both-sides", ["one", "two"]));
const statuses = (story: StoryProgress) => story.steps.map(({ status }) => status).join(" ");

describe("a story's progress", () => {
  it.each<[string, StoryEvent[], StoryStatus, string]>([
    ["nothing", [], "running", "waiting waiting"],
    ["begin", [BEGIN], "running", "running waiting"],
    ["begin twice", [BEGIN, BEGIN], "running", "running waiting"],
    ["pass without begin", [PASS], "running", "waiting waiting"],
    ["fail without begin", [FAIL], "running", "waiting waiting"],
    ["one passed", [BEGIN, PASS], "running", "passed waiting"],
    ["the second begins", [BEGIN, PASS, BEGIN], "running", "passed running"],
    ["all passed", [BEGIN, PASS, BEGIN, PASS], "passed", "passed passed"],
    ["the first fails", [BEGIN, FAIL], "failed", "failed skipped"],
    ["the last fails", [BEGIN, PASS, BEGIN, FAIL], "failed", "passed failed"],
    ["stopped before", [STOP], "stopped", "skipped skipped"],
    ["stopped within", [BEGIN, STOP], "stopped", "skipped skipped"],
    ["stopped between", [BEGIN, PASS, STOP], "stopped", "passed skipped"],
  ])("%s", (_name, events, status, steps) => {
    const story = after(...events);
    expect(story.status).toBe(status);
    expect(statuses(story)).toBe(steps);
  });

  it.each<[string, StoryEvent[]]>([
    ["passed", [BEGIN, PASS, BEGIN, PASS]],
    ["failed", [BEGIN, FAIL]],
    ["stopped", [BEGIN, STOP]],
  ])("stays as it ended once it %s", (_name, events) => {
    const ended = after(...events);
    for (const late of [BEGIN, PASS, FAIL, STOP, SAY, { kind: "link", href: "/", label: "x" }]) {
      expect(advance(ended, late as StoryEvent)).toBe(ended);
    }
  });

  it("keeps what a step says until it ends, then what was found", () => {
    expect(after(SAY).steps.map(({ detail }) => detail)).toEqual([null, null]);
    expect(after(BEGIN, SAY).steps[0]?.detail).toBe("looking");
    expect(after(BEGIN, SAY, PASS).steps[0]).toMatchObject({ detail: "found", ms: 5 });
    expect(after(BEGIN, SAY, FAIL).steps[0]).toMatchObject({ detail: "not found", ms: 7 });
  });

  it("never passes while a step has not", () => {
    const events = [BEGIN, PASS, FAIL, STOP, SAY];
    let stories = [newStory("old-leader", ["one", "two", "three"])];
    for (let depth = 0; depth < 8; depth++) {
      const next = stories.flatMap((story) => events.map((event) => advance(story, event)));
      stories = [...new Map(next.map((story) => [JSON.stringify(story), story])).values()];
      for (const { status, steps } of stories) {
        expect(status === "passed").toBe(steps.every((step) => step.status === "passed"));
        expect(steps.filter((step) => step.status === "running").length).toBeLessThanOrEqual(1);
        expect(status === "failed").toBe(steps.some((step) => step.status === "failed"));
      }
    }
  });
});
