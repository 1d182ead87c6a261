import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  history,
  mergingBy,
  play,
  policyOf,
  ROW_ID,
  type Scenario,
} from "@/__tests__/support/histories";
import { COLUMN_SCENARIOS, maximal } from "@/__tests__/support/scenarios";
import { type Json } from "@/lib/db/conflicts/conflict-record";
import { mergeRows } from "@/lib/db/conflicts/strategies/join-rows";
import { conflictsOf, jsonbText } from "@/lib/db/conflicts/strategies/choices";
import { writeRow } from "@/lib/db/conflicts/strategies/local-write";
import { type Row } from "@/lib/db/conflicts/strategies/row";

/** No two writes of the same value: who lost to an equal one is not missing anything. */
const unique = (pick: number, write: number) => ({ x: pick * 32 + write });
const RECORDED = COLUMN_SCENARIOS.flatMap((scenario) => {
  if (scenario.name === "max" || scenario.name === "min") {
    const update: Scenario["update"] = (_, pick, write) => ({ changes: unique(pick, write) });
    return [{ ...scenario, insert: unique, update }];
  }
  const named = ["last-write-wins", "first-write-wins", "manual", "custom"];
  return named.includes(scenario.name) ? [scenario] : [];
});

/** Of every write of `x` that no other had seen and that is not shown: whether somebody is told. */
const lost = (scenario: Scenario, merging = mergingBy()) =>
  fc.property(history, (of) => {
    const { ends, log, choices } = play(scenario, merging, of);
    const shown = ends[0]?.values.x;
    const recorded = new Set(
      choices
        .filter(({ field }) => field === "x")
        .flatMap(({ versions }) => versions.map(({ value }) => value)),
    );
    for (const { changes, after } of maximal(log)) {
      // A value that does not beat the one that its writer saw was never stored.
      if (changes.x === shown || changes.x !== after.values.x) continue;
      if (!recorded.has(changes.x as Json)) throw new Error(`${String(changes.x)} disappeared`);
    }
  });

describe("no write disappears silently", () => {
  test.each(RECORDED)("under $name", { timeout: 60_000 }, (scenario) => {
    fc.assert(lost(scenario), { numRuns: 2_000 });
  });

  test.each(RECORDED)("a merge that records nothing is found under $name", (scenario) => {
    const merging = mergingBy();
    const silent = {
      ...merging,
      merge: (...rows: Parameters<typeof merging.merge>) => ({
        ...merging.merge(...rows),
        choices: [],
      }),
    };
    expect(() => fc.assert(lost(scenario, silent), { numRuns: 2_000, endOnFailure: true })).toThrow(
      /Property failed after/,
    );
  });
});

describe("a record", () => {
  const policy = policyOf({
    strategy: "merge",
    deletion: "delete-wins",
    author: "by",
    fields: { note: { strategy: "manual" }, at: { strategy: "max", quiet: true } },
  });
  const write = (
    row: Row | null,
    actor: string,
    author: string,
    changes: Record<string, string>,
  ) => {
    const nowMs = actor === "us-east-1" ? 10 : 20;
    const all = row === null ? { id: ROW_ID, ...changes } : changes;
    const outcome = writeRow(policy, row, { actor, nowMs, author, changes: all });
    if (outcome.kind !== "written") throw new Error(outcome.kind);
    return outcome.row;
  };
  const born = write(null, "us-east-1", "ada", { title: "t", note: "n", at: "1" });
  const here = write(born, "us-east-1", "ada", { title: "here", note: "a", at: "2" });
  const there = write(born, "eu-west-1", "ben", { title: "there", note: "b", at: "3" });

  test("holds both versions, the winner first, with who wrote them", () => {
    const records = conflictsOf(policy, "Thing", here, there);
    expect(records.map(({ field, strategy, outcome }) => [field, strategy, outcome])).toEqual([
      ["title", "last-write-wins", "resolved"],
      ["note", "manual", "open"],
    ]);
    expect(records[0]?.versions).toEqual([
      expect.objectContaining({ value: "there", origin: "eu-west-1", author: "ben", won: true }),
      expect.objectContaining({ value: "here", origin: "us-east-1", author: "ada", won: false }),
    ]);
    expect(records[0]?.versions.map(({ clock }) => clock)).toEqual([there.clock, here.clock]);
  });

  test("is the same one wherever the two meet, and another for other versions", () => {
    const ids = (a: Row, b: Row) => conflictsOf(policy, "Thing", a, b).map(({ id }) => id);
    expect(ids(there, here)).toEqual(ids(here, there));
    const later = write(here, "us-east-1", "ada", { title: "here", note: "a2", at: "2" });
    expect(ids(later, there)[1]).not.toBe(ids(here, there)[1]);
  });

  test("of a deletion against an update holds the rows", () => {
    const gone = write(born, "us-east-1", "ada", { deletedAt: "2026-11-23T10:00:00.000Z" });
    const { row, choices } = mergeRows(policy, gone, there);
    expect(row.deletedAt).toBe("2026-11-23T10:00:00.000Z");
    expect(choices.find(({ field }) => field === "$deleted")?.versions).toEqual([
      expect.objectContaining({ won: true, author: "ada" }),
      expect.objectContaining({ won: false, value: { ...there.values, deletedAt: null } }),
    ]);
  });

  test("is none where one version includes the other, nor of an entity that asks for none", () => {
    expect(conflictsOf(policy, "Thing", born, there)).toEqual([]);
    expect(conflictsOf({ ...policy, record: false }, "Thing", here, there)).toEqual([]);
  });
});

test("jsonbText prints as the database does", () => {
  expect(jsonbText({ bb: [1, null, "x\n"], a: true, ä: {}, c: [] })).toBe(
    String.raw`{"a": true, "c": [], "bb": [1, null, "x\n"], "ä": {}}`,
  );
});
