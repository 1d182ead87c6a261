import { describe, expect, it } from "vitest";
import { judgeRound, type Stability } from "@/lib/db/replication/stability";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Position, Positions } from "@/lib/db/sessions/positions";

const at = (entries: Record<string, number>): Positions =>
  new Map(Object.entries(entries).map(([a, p]) => [a as Actor, BigInt(p) as Position]));

function answer(
  region: string,
  changes: Partial<Record<keyof Stability, unknown>> = {},
): Stability {
  const others = ["us", "eu", "ap"].filter((id) => id !== region);
  return {
    region: region as RegionId,
    actor: region as Actor,
    ready: true,
    head: 200n as Position,
    horizon: 200n as Position,
    reached: 90n as Position,
    cursors: at(Object.fromEntries(others.map((id) => [id, 90]))),
    pending: [],
    ...changes,
  } as Stability;
}

const HEADS = at({ us: 100, eu: 100, ap: 100 });
const judge = (us: object = {}, eu: object = {}, ap: object = {}) =>
  judgeRound(HEADS, [answer("us", us), answer("eu", eu), answer("ap", ap)]);

describe("judgeRound", () => {
  it("is complete when every region has applied every event below the heads", () => {
    expect(judge()).toEqual({ kind: "complete", pending: [], unsettled: [] });
  });

  it.each([
    ["one region lacks events of another", judge({ cursors: at({ eu: 89, ap: 90 }) })],
    ["one region has no cursor of another", judge({ cursors: at({ eu: 90 }) })],
    ["a transaction below the head is open", judge({ horizon: 99n })],
    ["a region is being rebuilt", judge({}, { ready: false })],
    ["there are too many dead letters", judge({}, {}, { pending: null })],
  ])("waits while %s", (_, verdict) => {
    expect(verdict).toEqual({ kind: "waiting" });
  });

  it("does not wait for events past the heads, nor for dropped ones", () => {
    const ahead = { reached: 0n, cursors: at({ eu: 0, ap: 90 }) };
    expect(judge(ahead, { reached: 0n, cursors: at({ us: 5, ap: 90 }) }, {}).kind).toBe("complete");
  });

  it("is void when a region has another incarnation, or there are other regions", () => {
    expect(judge({}, {}, { actor: "ap#1" })).toEqual({ kind: "void" });
    expect(judgeRound(HEADS, [answer("us"), answer("eu")])).toEqual({ kind: "void" });
    expect(
      judgeRound(at({ us: 100, eu: 100 }), [answer("us"), answer("eu"), answer("ap")]),
    ).toEqual({ kind: "void" });
  });

  it("spares rows with dead letters and those of incarnations whose end is not everywhere", () => {
    expect(judge({ pending: ["Document/1"] }, { pending: ["Document/2"] })).toMatchObject({
      pending: ["Document/1", "Document/2"],
    });
    const heads = at({ us: 100, eu: 100, "ap#1": 100 });
    const ap = { actor: "ap#1", cursors: at({ us: 90, eu: 90 }) };
    const with_ = (us: number, eu: number) =>
      judgeRound(heads, [
        answer("us", { cursors: at({ eu: 90, "ap#1": 90, ap: us }) }),
        answer("eu", { cursors: at({ us: 90, "ap#1": 90, ap: eu }) }),
        answer("ap", ap),
      ]);
    expect(with_(70, 70)).toMatchObject({ kind: "complete", unsettled: [] });
    expect(with_(70, 60)).toMatchObject({ kind: "complete", unsettled: ["ap"] });
  });
});
