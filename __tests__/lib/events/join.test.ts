import { describe, expect, it } from "vitest";
import { joinEvents, type EventRow } from "@/lib/events/join";

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 26) + seconds * 1000).toISOString();

function row(id: string, seconds: number, changes: Partial<EventRow> = {}): EventRow {
  return { id, at: at(seconds), kind: "unreachable", subject: "c", detail: "", ...changes };
}

describe("joinEvents", () => {
  it("makes one of what several regions saw at about the same time", () => {
    const lists = new Map([
      ["a", [row("9", 60), row("7", 4)]],
      ["b", [row("3", 7), row("4", 40, { kind: "reachable" })]],
    ]);
    expect(joinEvents(lists, 10)).toEqual([
      { id: "a 9", at: at(60), kind: "unreachable", subject: "c", detail: "", seenBy: ["a"] },
      { id: "b 4", at: at(40), kind: "reachable", subject: "c", detail: "", seenBy: ["b"] },
      { id: "a 7", at: at(4), kind: "unreachable", subject: "c", detail: "", seenBy: ["a", "b"] },
    ]);
  });

  it("knows an epoch again however late a region hears of it", () => {
    const leader = { kind: "leader", subject: "b", detail: "7" } as const;
    const lists = new Map([
      ["a", [row("1", 0, leader)]],
      ["c", [row("1", 3_600, leader), row("2", 3_700, { ...leader, detail: "8" })]],
    ]);
    const events = joinEvents(lists, 10);
    expect(events.map(({ detail, seenBy }) => [detail, seenBy])).toEqual([
      ["8", ["c"]],
      ["7", ["a", "c"]],
    ]);
  });

  it("does not join what one region saw twice, nor different reasons, and keeps the newest", () => {
    const lists = new Map([["a", [row("1", 0), row("2", 5), row("3", 6, { detail: "schema" })]]]);
    expect(joinEvents(lists, 10)).toHaveLength(3);
    expect(joinEvents(lists, 1).map(({ id }) => id)).toEqual(["a 3"]);
  });
});
