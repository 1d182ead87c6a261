import { describe, expect, test } from "vitest";
import { policyOf, ROW_ID } from "@/__tests__/support/histories";
import { joinRows } from "@/lib/db/conflicts/strategies/join-rows";
import { writeRow, type LocalWrite } from "@/lib/db/conflicts/strategies/local-write";
import { type Row } from "@/lib/db/conflicts/strategies/row";

const [US, EU] = ["us-east-1", "eu-west-1"] as const;
const TIME = "2026-11-23T10:00:00.000Z";

function writer(policy: object) {
  const parsed = policyOf({ strategy: "merge", ...policy });
  const attempt = (row: Row | null, actor: string, write: Partial<LocalWrite>) =>
    writeRow(parsed, row, { actor, nowMs: 5, changes: {}, ...write });
  const write = (row: Row | null, actor: string, changes: LocalWrite["changes"], more = {}) => {
    const all = row === null ? { id: ROW_ID, ...changes } : changes;
    const outcome = attempt(row, actor, { changes: all, ...more });
    if (outcome.kind !== "written") throw new Error(outcome.kind);
    return outcome.row;
  };
  const join = (a: Row, b: Row) => joinRows(parsed, a, b);
  return { attempt, write, join };
}

describe("a base version", () => {
  const { attempt, write } = writer({});
  const first = write(null, US, { title: "1", body: "b" });
  const second = write(first, US, { title: "2" });

  test("that the row does not include is refused: the region is behind", () => {
    const base = { [US]: 2, [EU]: 1 };
    expect(attempt(second, EU, { changes: { title: "3" }, base })).toEqual({ kind: "behind" });
  });

  test("that is old makes a conflict of what the writer had not seen, and of nothing else", () => {
    const stale = attempt(second, EU, { changes: { title: "3", body: "c" }, base: first.clock });
    expect(stale).toMatchObject({ kind: "written", choices: [{ field: "title" }] });
    expect(stale.kind === "written" && stale.choices).toHaveLength(1);
    const fresh = attempt(second, EU, { changes: { title: "3" }, base: second.clock });
    expect(fresh).toMatchObject({ kind: "written", choices: [] });
  });

  test("that is old loses under first-write-wins, and writes nothing", () => {
    const { attempt, write } = writer({ fields: { title: { strategy: "first-write-wins" } } });
    const old = write(null, US, { title: "1" });
    const row = write(old, US, { title: "2" });
    expect(attempt(row, EU, { changes: { title: "3" }, base: old.clock })).toMatchObject({
      kind: "unchanged",
      choices: [
        {
          versions: [
            { value: "2", won: true },
            { value: "3", won: false },
          ],
        },
      ],
    });
  });

  test("that is old stands beside what is there under manual", () => {
    const { write } = writer({ fields: { title: { strategy: "manual" } } });
    const old = write(null, US, { title: "1" });
    const row = write(old, US, { title: "2" });
    const both = write(row, EU, { title: "3" }, { base: old.clock });
    expect(both.merge.title).toMatchObject([{ v: "3" }, { v: "2" }]);
    // What has seen both replaces both.
    expect(write(both, US, { title: "4" }).merge.title).toMatchObject({ o: US, n: 3 });
  });

  test("that is old removes from a set only what its writer had seen", () => {
    const { write } = writer({ fields: { tags: { strategy: "or-set" } } });
    const old = write(null, US, { tags: ["a"] });
    const row = write(old, US, { tags: ["a", "b"] });
    expect(write(row, EU, { tags: [] }, { base: old.clock }).values.tags).toEqual(["b"]);
  });
});

describe("a bounded counter", () => {
  const { attempt, write, join } = writer({ fields: { stock: { strategy: "bounded-counter" } } });
  const row = write(null, US, { stock: 10 });

  test("is taken from only by who has the rights", () => {
    expect(attempt(row, EU, { changes: { stock: 9 } })).toEqual({ kind: "no-rights" });
    expect(attempt(row, US, { changes: { stock: -1 } })).toEqual({ kind: "no-rights" });
    const transfer = { field: "stock", to: EU, amount: 4 };
    const shared = write(row, US, {}, { transfer });
    expect(shared.values.stock).toBe(10);
    expect(attempt(shared, EU, { changes: { stock: 5 } })).toEqual({ kind: "no-rights" });
    expect(attempt(shared, EU, { transfer: { ...transfer, to: US, amount: 5 } })).toEqual({
      kind: "no-rights",
    });
    const [here, there] = [write(shared, US, { stock: 4 }), write(shared, EU, { stock: 6 })];
    expect(join(here, there).values.stock).toBe(0);
  });
});

describe("deletions", () => {
  const rules = ["delete-wins", "update-wins"] as const;
  const both = (deletion: (typeof rules)[number]) => {
    const made = writer({ deletion });
    const born = made.write(null, US, { x: "1" });
    const gone = made.write(born, US, { deletedAt: TIME });
    return { ...made, born, gone };
  };

  test.each(rules)(
    "%s: a deletion that has seen everything is not undone by old versions",
    (rule) => {
      const { join, born, gone } = both(rule);
      expect(join(born, gone)).toEqual(gone);
      expect(gone.deletedAt).toBe(TIME);
    },
  );

  test.each([
    ["delete-wins", TIME],
    ["update-wins", null],
  ] as const)("%s decides between a deletion and an update", (rule, expected) => {
    const { write, join, born, gone } = both(rule);
    const updated = write(born, EU, { x: "2" });
    expect(join(gone, updated).deletedAt).toBe(expected);
    expect(join(updated, gone)).toEqual(join(gone, updated));
    // The same where the update comes with an old base to where the row is deleted.
    const stale = write(gone, EU, { x: "2" }, { base: born.clock });
    expect(stale.deletedAt).toBe(expected);
  });

  test("update-wins: two deletions, one of them by an old base, are no update", () => {
    const { write, born, gone } = both("update-wins");
    const again = "2026-11-23T10:00:01.000Z";
    expect(write(gone, EU, { deletedAt: again }, { base: born.clock }).deletedAt).not.toBeNull();
  });

  test.each(rules)("%s: what was brought back stays, and can be deleted again", (rule) => {
    const { write, join, gone } = both(rule);
    const back = write(gone, EU, { deletedAt: null });
    expect(join(gone, back)).toEqual(back);
    expect(back.deletedAt).toBeNull();
    expect(write(back, US, { deletedAt: TIME }).deletedAt).toBe(TIME);
  });
});

test("a row without $0 counts as inserted by its last write", () => {
  const { write, join } = writer({});
  const born = write(null, US, { x: "1" });
  const old: Row = { ...born, merge: {} };
  expect(write(old, EU, { x: "2" }).merge.$0).toEqual(born.merge.$0);
  expect(join(old, born)).toEqual(born);
});
