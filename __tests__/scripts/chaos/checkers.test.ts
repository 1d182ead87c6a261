import { describe, expect, it } from "vitest";
import { CHECKERS } from "@/scripts/drill/chaos/checkers/all";
import { findOrder } from "@/scripts/drill/chaos/checkers/linearizability";
import { goodStory } from "./good-story";
import { NO_BUGS } from "./no-bugs";
import { BUGS } from "./planted-bugs";

const stories = Object.entries(BUGS).flatMap(([name, bugs]) =>
  bugs.map(([what, plant, alsoBy = []]) => ({ name, what, plant, alsoBy })),
);

describe("checkers of a chaos run", () => {
  it("object to nothing where all is well", () => {
    expect(goodStory().end().objections()).toEqual([]);
  });

  it("have each a bug to be shown", () => {
    expect(Object.keys(BUGS).sort()).toEqual(CHECKERS.map(({ name }) => name).sort());
  });

  it.each(stories)("$name: $what", ({ name, plant, alsoBy }) => {
    const story = goodStory().end();
    plant(story);
    expect(story.objections().sort()).toEqual([name, ...alsoBy].sort());
  });

  it.each(NO_BUGS)("none: %s", (_, plant) => {
    const story = goodStory().end();
    plant(story);
    expect(story.objections()).toEqual([]);
  });
});

describe("a search for an order", () => {
  it("is quick where many steps overlap", () => {
    const swaps = Array.from({ length: 30 }, (_, n) => ({
      kind: "cas" as const,
      from: n === 0 ? "" : `v${n}`,
      to: `v${n + 1}`,
      swapped: n % 3 === 0 ? null : true,
      startMs: n % 5,
      endMs: n % 3 === 0 ? Infinity : 1_000,
    }));
    expect(findOrder(swaps)).toBe("found");
    const impossible = { kind: "read" as const, value: "v1", startMs: 2_000, endMs: 2_001 };
    expect(findOrder([...swaps, impossible])).toBe("none");
  });
});
