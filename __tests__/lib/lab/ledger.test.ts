import { describe, expect, it } from "vitest";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { toPosition, type Positions } from "@/lib/db/sessions/positions";
import { DivergenceWatch } from "@/lib/lab/invariants/divergence";
import {
  fateOf,
  Ledger,
  type AcknowledgedWrite,
  type Answers,
  type RegionAnswer,
} from "@/lib/lab/invariants/ledger";

const [A, B, C] = ["a", "b", "c"] as RegionId[] as [RegionId, RegionId, RegionId];
const at = (position: number, actor = "a"): Positions =>
  new Map([[actor as Actor, toPosition(BigInt(position))]]);

const WRITE: AcknowledgedWrite = { id: "w", kind: "row", needs: at(10) };
const NOBODY: ReadonlySet<RegionId> = new Set();

function has(found: boolean, applied: number, version = "1"): RegionAnswer {
  return {
    applied: at(applied),
    shown: at(applied),
    found: new Set(found ? ["w"] : []),
    parked: new Set(),
    versions: new Map(found ? [["w", version]] : []),
  };
}

const answers = (a: RegionAnswer | null, b: RegionAnswer | null, c: RegionAnswer | null): Answers =>
  new Map([
    [A, a],
    [B, b],
    [C, c],
  ]);

describe("the fate of an acknowledged write", () => {
  const there = has(true, 10);
  const notTold = has(false, 9);
  const gone = has(false, 10);
  it.each([
    ["found in all", answers(there, there, there), "everywhere"],
    ["missing where it was not told of yet", answers(there, there, notTold), "on-the-way"],
    ["missing although everything up to it was applied", answers(there, there, gone), "lost"],
    ["missing where it was written", answers(has(false, 12), there, there), "lost"],
    ["one cannot be asked", answers(there, there, null), "unknown"],
    ["one silent, one not told", answers(null, there, notTold), "on-the-way"],
    ["lost is worse than unknown", answers(null, there, gone), "lost"],
    ["nobody can be asked", answers(null, null, null), "unknown"],
  ] as const)("%s: %s", (_name, all, fate) => {
    expect(fateOf(WRITE, all, NOBODY)).toBe(fate);
  });

  it("is not unknown for a region in which it was seen before", () => {
    expect(fateOf(WRITE, answers(there, there, null), new Set([C]))).toBe("everywhere");
  });

  it("is on the way while a region has it as a dead letter", () => {
    const parked: RegionAnswer = { ...gone, found: new Set(["w"]), parked: new Set(["w"]) };
    expect(fateOf(WRITE, answers(there, there, parked), NOBODY)).toBe("on-the-way");
  });
});

describe("the ledger", () => {
  it("asks for a write until all regions have one version of it", () => {
    const ledger = new Ledger();
    ledger.acknowledge(WRITE);
    ledger.judge([WRITE], answers(has(true, 10), has(false, 9), null));
    expect(ledger.counts()).toMatchObject({ acknowledged: 1, "on-the-way": 1 });
    ledger.judge([WRITE], answers(has(true, 10), has(true, 10, "2"), has(true, 10)));
    expect(ledger.counts()).toMatchObject({ everywhere: 1 });
    expect(ledger.unsettled(10)).toEqual([WRITE]);
    ledger.judge([WRITE], answers(has(true, 10), has(true, 10), has(true, 10)));
    expect(ledger.unsettled(10)).toEqual([]);
  });

  it("forgets no loss, whatever is found later", () => {
    const ledger = new Ledger();
    ledger.acknowledge(WRITE);
    expect(ledger.judge([WRITE], answers(has(true, 10), has(false, 11), null))).toEqual([
      { id: "w", kind: "row", missingIn: [B] },
    ]);
    const fine = answers(has(true, 12), has(true, 12), has(true, 12));
    expect(ledger.judge([WRITE], fine)).toEqual([]);
    ledger.reopen();
    ledger.judge([WRITE], fine);
    expect(ledger.counts()).toMatchObject({ lost: 1, everywhere: 0 });
  });

  it("believes nothing of before once it is opened again", () => {
    const ledger = new Ledger();
    ledger.acknowledge(WRITE);
    ledger.judge([WRITE], answers(has(true, 10), has(true, 10), has(true, 10)));
    ledger.reopen();
    expect(ledger.counts()).toMatchObject({ "on-the-way": 1, everywhere: 0 });
    expect(
      ledger.judge(ledger.unsettled(10), answers(has(true, 12), null, has(false, 12))),
    ).toEqual([{ id: "w", kind: "row", missingIn: [C] }]);
  });

  it("calls no line lost that waits for another which it builds on", () => {
    const line: AcknowledgedWrite = {
      id: "w",
      kind: "line",
      needs: new Map([...at(10), ...at(7, "b")]),
    };
    const behind = has(false, 10);
    const caughtUp = { ...behind, applied: line.needs };
    expect(fateOf(line, answers(has(true, 10), behind, null), NOBODY)).toBe("on-the-way");
    expect(fateOf(line, answers(has(true, 10), caughtUp, null), NOBODY)).toBe("lost");
  });
});

describe("divergence", () => {
  it("is two versions that outlive the news of what made them", () => {
    const watch = new DivergenceWatch();
    const differing = (applied: number) =>
      answers(has(true, 12), has(true, applied, "2"), has(true, 12));
    expect(watch.look(differing(9))).toEqual([]);
    expect(watch.look(differing(11))).toEqual([]);
    expect(watch.count).toBe(0);
    expect(watch.look(differing(12))).toEqual(["w"]);
    expect(watch.look(differing(13))).toEqual([]);
    expect(watch.count).toBe(1);
  });

  it("is none while versions still change", () => {
    const watch = new DivergenceWatch();
    for (const version of ["2", "3", "4"]) {
      const all = answers(has(true, 12), has(true, 12, version), has(true, 12));
      expect(watch.look(all)).toEqual([]);
    }
  });

  it("is none once all have the same, and not told apart while one is silent", () => {
    const watch = new DivergenceWatch();
    const differing = answers(has(true, 12), has(true, 12, "2"), has(true, 12));
    watch.look(differing);
    expect(watch.look(answers(has(true, 12), has(true, 12, "2"), null))).toEqual([]);
    expect(watch.look(answers(has(true, 12), has(true, 12), has(true, 12)))).toEqual([]);
    expect(watch.look(differing)).toEqual([]);
    expect(watch.count).toBe(0);
  });
});
