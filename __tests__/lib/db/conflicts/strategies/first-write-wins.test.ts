import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { converges, history, mergingBy, policyOf, ROW_ID } from "@/__tests__/support/histories";
import { scenarioOf } from "@/__tests__/support/scenarios";
import {
  createFirstWriteWins,
  LINEAGE_LIMIT,
} from "@/lib/db/conflicts/strategies/first-write-wins";
import { joinRows, mergeRows } from "@/lib/db/conflicts/strategies/join-rows";
import { writeRow } from "@/lib/db/conflicts/strategies/local-write";
import { type Row } from "@/lib/db/conflicts/strategies/row";
import { JOIN_TYPES } from "@/lib/db/conflicts/strategies/types";

const POLICY = policyOf({ strategy: "merge", fields: { x: { strategy: "first-write-wins" } } });
const [US, EU] = ["us-east-1", "eu-west-1"];

function write(row: Row | null, actor: string, nowMs: number, x: string): Row {
  const changes = { x, ...(row === null && { id: ROW_ID }) };
  const outcome = writeRow(POLICY, row, { actor, nowMs, changes });
  if (outcome.kind !== "written") throw new Error(outcome.kind);
  return outcome.row;
}

describe("A@10, its successor A'@20 and a concurrent B@12", () => {
  const a = write(null, US, 10, "A");
  const successor = write(a, US, 20, "A'");
  const b = write(null, EU, 12, "B");

  test.each([
    ["A, A', B", [a, successor, b]],
    ["A', A, B", [successor, a, b]],
    ["A, B, A'", [a, b, successor]],
    ["B, A, A'", [b, a, successor]],
    ["A', B, A", [successor, b, a]],
    ["B, A', A", [b, successor, a]],
  ])("A' wins where they come as %s", (_, [first, ...others]) => {
    const end = others.reduce((row, next) => joinRows(POLICY, row, next), first as Row);
    expect(end.values.x).toBe("A'");
    expect(end).toEqual(joinRows(POLICY, successor, b));
  });

  test("the one that lost is recorded, whichever way they met", () => {
    for (const [x, y] of [
      [successor, b],
      [b, successor],
    ] as const) {
      const [choice] = mergeRows(POLICY, x, y).choices;
      expect(choice?.versions.map(({ value, won }) => [value, won])).toEqual([
        ["A'", true],
        ["B", false],
      ]);
    }
  });
});

describe("a lineage", () => {
  test("is bounded: a long one goes on in another chapter", () => {
    let row = write(null, US, 1, "0");
    for (let turn = 1; turn < LINEAGE_LIMIT; turn += 1) row = write(row, US, 1, `${turn}`);
    expect(row.merge.x).toMatchObject({ c: 0, p: { length: LINEAGE_LIMIT } });
    const next = write(row, EU, 1, "next");
    expect(next.merge.x).toMatchObject({ c: 1, p: [expect.stringContaining(EU as string)] });
    expect(joinRows(POLICY, row, next)).toEqual(next);
  });

  test("histories of short chapters end equal", { timeout: 60_000 }, () => {
    // Chapters of two writes: the earlier insert no longer decides, so there is no oracle.
    const registers = { ...JOIN_TYPES.registers, "first-write-wins": createFirstWriteWins(2) };
    const { check: _, ...scenario } = scenarioOf("first-write-wins");
    fc.assert(
      fc.property(history, (of) =>
        converges(scenario, mergingBy({ ...JOIN_TYPES, registers }), of),
      ),
      { numRuns: 2_000 },
    );
  });
});
