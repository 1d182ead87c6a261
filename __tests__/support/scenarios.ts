import { type Json } from "@/lib/db/conflicts/conflict-record";
import { type DeletionRule, type RegisterStrategy } from "@/lib/db/conflicts/policy";
import { rightsOf, type Rights } from "@/lib/db/conflicts/strategies/bounded-counter";
import { type Row } from "@/lib/db/conflicts/strategies/row";
import { ACTORS, policyOf, type LogEntry, type Scenario, type Seen, type Step } from "./histories";

/*
 * What is written under each strategy, and what must be left of it. The oracles know who had seen
 * what, and neither clocks nor stamps nor states.
 */

const TIMES = ["2026-11-23T10:00:00.000Z", "2026-11-23T10:00:01.000Z"] as const;
const has = (seen: Seen, write: number) => ((seen >> write) & 1) === 1;

function must(condition: boolean, what: string, ...facts: readonly unknown[]): void {
  if (!condition)
    throw new Error(`${what}: ${facts.map((fact) => JSON.stringify(fact)).join(" ")}`);
}

/** Deletions and undeletions, in the sixth part of the steps each. */
function withDeletions(
  step: (row: Row, pick: number, write: number, actor: string) => Step,
): Scenario["update"] {
  return (row, pick, write, actor) => {
    const what = pick % 6;
    if (what === 0 && row.deletedAt === null) {
      return { changes: { deletedAt: TIMES[pick % 2] as string } };
    }
    if (what === 1 && row.deletedAt !== null) return { changes: { deletedAt: null } };
    return step(row, pick, write, actor);
  };
}

/** Whether this write was a deletion, or the end of one. To delete what is deleted is neither. */
const turned = ({ before, changes }: LogEntry) =>
  "deletedAt" in changes && ((before?.deletedAt ?? null) === null) !== (changes.deletedAt === null);

function deletedByRule(rule: DeletionRule, log: readonly LogEntry[]): boolean {
  const deletions = log.filter((entry) => turned(entry) && entry.changes.deletedAt !== null);
  const unseen = (by: readonly LogEntry[]) => (entry: LogEntry) =>
    !by.some(({ seen }) => has(seen, entry.write));
  if (rule === "delete-wins") {
    const ends = log.filter((entry) => turned(entry) && entry.changes.deletedAt === null);
    return deletions.some(unseen(ends));
  }
  if (rule === "update-wins") {
    const live = log.filter(({ after }) => after.deletedAt === null);
    // A deletion that lost at once leaves the row live, and yet has seen what it had seen.
    const lives = live.filter((entry) => !deletions.includes(entry));
    return !lives.some(unseen(deletions));
  }
  const last = latest(
    log.filter(
      ({ before, changes }) =>
        before === null || ("deletedAt" in changes && changes.deletedAt !== before.deletedAt),
    ),
  );
  return (last.changes.deletedAt ?? null) !== null;
}

/** Of these, the write that is the last by HLC and actor. */
function latest(log: readonly LogEntry[]): LogEntry {
  return log.reduce((a, b) => {
    if (a.after.hlc !== b.after.hlc) return a.after.hlc < b.after.hlc ? b : a;
    return a.after.origin < b.after.origin ? b : a;
  });
}

function checkDeletion(rule: DeletionRule): (end: Row, log: readonly LogEntry[]) => void {
  return (end, log) => {
    must(
      (end.deletedAt !== null) === deletedByRule(rule, log),
      `deleted under ${rule}`,
      end.deletedAt,
    );
  };
}

/** Writes that changed a column. */
export const wrote = (log: readonly LogEntry[], column: string) =>
  log.filter(
    ({ before, changes }) =>
      column in changes && (before === null || changes[column] !== before.values[column]),
  );

interface Column {
  readonly strategy: RegisterStrategy;
  readonly deletion: DeletionRule;
  value(pick: number, write: number): Json;
  change?(row: Row, pick: number, write: number, actor: string): Step;
  check?(end: Row, log: readonly LogEntry[]): void;
  always?(row: Row): void;
}

/** A row with a column `x` under the strategy, and `y` that the last write wins. */
function columnScenario({ strategy, deletion, value, change, check, always }: Column): Scenario {
  const step = change ?? ((_, pick, write) => ({ changes: { x: value(pick, write) } }));
  return {
    name: strategy,
    policy: policyOf({ strategy: "merge", deletion, fields: { x: { strategy } } }),
    insert: (pick, write) => ({
      x: value(pick, write),
      y: `y${write}`,
      ...(strategy === "text" && { xHead: `h${write}` }),
    }),
    update: withDeletions((row, pick, write, actor) =>
      pick % 8 === 7 ? { changes: { y: `y${write}` } } : step(row, pick, write, actor),
    ),
    always,
    check(end, log) {
      checkDeletion(deletion)(end, log);
      must(end.values.y === latest(wrote(log, "y")).changes.y, "y is the last", end.values);
      check?.(end, log);
    },
  };
}

const lastOf = (column: string) => (end: Row, log: readonly LogEntry[]) => {
  const expected = latest(wrote(log, column)).changes[column] as Json;
  must(end.values[column] === expected, `${column} is the last write`, end.values, expected);
};

/** Every write of `x` that no other one had seen, whoever made it. */
export const maximal = (log: readonly LogEntry[]) => {
  const writes = wrote(log, "x");
  return writes.filter(({ write }) => !writes.some(({ seen }) => has(seen, write)));
};

const checkSiblings = (end: Row, log: readonly LogEntry[]) => {
  const state = end.merge.x;
  const kept = Array.isArray(state) ? state.map((sibling) => sibling.v as Json) : [end.values.x];
  const expected = maximal(log).map(({ changes }) => changes.x);
  must(
    JSON.stringify([...kept].sort()) === JSON.stringify([...expected].sort()),
    "the siblings are the writes that nobody had seen",
    kept,
    expected,
  );
  must(end.values.x === latest(maximal(log)).changes.x, "the last sibling is shown", end.values);
};

/** Values that lost at once are in no log, and would not have won. */
const extremum = (direction: 1 | -1) => (end: Row, log: readonly LogEntry[]) => {
  const values = wrote(log, "x").flatMap(({ changes }) =>
    typeof changes.x === "number" ? [changes.x] : [],
  );
  const expected =
    values.length === 0 ? null : Math.max(...values.map((v) => v * direction)) * direction;
  must(end.values.x === expected, "the extremum", end.values.x, expected);
};

const deltaOf = ({ before, after }: LogEntry) =>
  Number(after.values.x) - Number(before?.values.x ?? 0);
const sum = (log: readonly LogEntry[]) => log.reduce((total, entry) => total + deltaOf(entry), 0);

const ELEMENTS = ["a", "b", "constructor", "ä"];

function checkSet(end: Row, log: readonly LogEntry[]): void {
  const elements = (value: Json | undefined) => (Array.isArray(value) ? (value as string[]) : []);
  const isLive = (element: string) => {
    const adds = log.filter(
      ({ before, changes }) =>
        elements(changes.x).includes(element) && !elements(before?.values.x).includes(element),
    );
    const removals = log.filter(
      ({ before, changes }) =>
        "x" in changes &&
        !elements(changes.x).includes(element) &&
        elements(before?.values.x).includes(element),
    );
    return adds.some(({ write }) => !removals.some(({ seen }) => has(seen, write)));
  };
  const expected = ELEMENTS.filter(isLive);
  must(
    JSON.stringify(end.values.x) === JSON.stringify(expected),
    "an element is in it unless all its additions were seen by removals",
    end.values.x,
    expected,
  );
}

function checkFirst(end: Row, log: readonly LogEntry[]): void {
  const births = log.filter(({ before }) => before === null);
  const first = births.reduce((a, b) => {
    if (a.after.hlc !== b.after.hlc) return a.after.hlc < b.after.hlc ? a : b;
    return a.after.origin < b.after.origin ? a : b;
  });
  const value = String(end.values.x);
  const winner = wrote(log, "x").find(({ changes }) => changes.x === value);
  must(winner !== undefined, "the value was written", value);
  // What the winner was made on top of, back to an insert: that is the first one.
  const chain =
    winner?.before === null
      ? winner.after
      : births.find(({ write }) => {
          return winner !== undefined && has(winner.seen, write) && write === first.write;
        })?.after;
  must(
    chain !== undefined && sameBirth(chain, first.after),
    "the first insert's lineage won",
    value,
  );
}
const sameBirth = (a: Row, b: Row) => a.hlc === b.hlc && a.origin === b.origin;

const unique = (_: number, write: number) => `v${write}`;

export const COLUMN_SCENARIOS: readonly Scenario[] = [
  columnScenario({
    strategy: "last-write-wins",
    deletion: "last-write",
    value: unique,
    check: lastOf("x"),
  }),
  columnScenario({
    strategy: "text",
    deletion: "delete-wins",
    value: unique,
    // The text may change only together with the name of the update that it was made with.
    change: (_, __, write) => ({ changes: { x: `v${write}`, xHead: `h${write}` } }),
    check: lastOf("x"),
  }),
  columnScenario({
    strategy: "first-write-wins",
    deletion: "update-wins",
    value: unique,
    check: checkFirst,
  }),
  columnScenario({
    strategy: "max",
    deletion: "delete-wins",
    value: (pick) => (pick % 4 === 0 ? null : pick % 10),
    check: extremum(1),
  }),
  columnScenario({
    strategy: "min",
    deletion: "update-wins",
    value: (pick) => (pick % 4 === 0 ? null : pick % 10),
    check: extremum(-1),
  }),
  columnScenario({
    strategy: "pn-counter",
    deletion: "delete-wins",
    value: (pick) => (pick % 10) - 5,
    change: (row, pick) => ({ changes: { x: Number(row.values.x) + (pick % 10) - 5 } }),
    check: (end, log) => must(end.values.x === sum(log), "the sum", end.values.x, sum(log)),
  }),
  columnScenario({
    strategy: "bounded-counter",
    deletion: "update-wins",
    value: (pick) => pick % 10,
    change(row, pick, _, actor): Step {
      const to = ACTORS[pick % ACTORS.length] as string;
      return pick % 3 === 0 && to !== actor
        ? { changes: {}, transfer: { field: "x", to, amount: 1 + (pick % 4) } }
        : { changes: { x: Number(row.values.x) + (pick % 10) - 6 } };
    },
    always: (row) => must(Number(row.values.x) >= 0, "never below zero", row.values.x),
    check(end, log) {
      must(end.values.x === sum(log), "the sum", end.values.x, sum(log));
      const state = end.merge.x as Rights | undefined;
      if (state === undefined) return;
      const rights = ACTORS.map((actor) => rightsOf(state, actor));
      must(
        rights.every((right) => right >= 0),
        "no right is negative",
        rights,
      );
      must(rights.reduce((a, b) => a + b, 0) === end.values.x, "all of it is somebody's", rights);
    },
  }),
  columnScenario({
    strategy: "or-set",
    deletion: "delete-wins",
    value: (pick) => ELEMENTS.filter((_, index) => ((pick >> index) & 1) === 1),
    check: checkSet,
  }),
  columnScenario({
    strategy: "manual",
    deletion: "delete-wins",
    value: unique,
    check: checkSiblings,
  }),
  columnScenario({
    strategy: "custom",
    deletion: "last-write",
    value: unique,
    check: checkSiblings,
  }),
];

const wholeRow = (strategy: string, check: Scenario["check"]): Scenario => ({
  name: `${strategy} of the row`,
  policy: policyOf({ strategy }),
  insert: (_, write) => ({ x: `v${write}`, y: 0 }),
  update: withDeletions((_, pick, write) => ({ changes: { x: `v${write}`, y: pick } })),
  check,
});

const checkWholeSiblings = (end: Row, log: readonly LogEntry[]) => {
  const state = end.merge["*"];
  const kept = Array.isArray(state)
    ? state.map((sibling) => (sibling.v as { x: Json }).x)
    : [end.values.x];
  const expected = maximal(log).map(({ changes }) => changes.x);
  must(
    JSON.stringify([...kept].sort()) === JSON.stringify([...expected].sort()),
    "siblings",
    kept,
    expected,
  );
};

export const ROW_SCENARIOS: readonly Scenario[] = [
  wholeRow("last-write-wins", (end, log) => {
    const { after } = latest(log);
    must(end.deletedAt === after.deletedAt, "deletion belongs to the row", end.deletedAt);
    must(
      end.values.x === after.values.x && end.values.y === after.values.y,
      "the last row",
      end.values,
    );
  }),
  wholeRow("first-write-wins", (end, log) => {
    checkFirst(end, log);
    checkDeletion("last-write")(end, log);
  }),
  wholeRow("manual", (end, log) => {
    checkWholeSiblings(end, log);
    checkDeletion("last-write")(end, log);
  }),
  wholeRow("custom", checkWholeSiblings),
];

/** Mostly deletions and the ends of them, against updates of another column. */
const deletion = (rule: DeletionRule): Scenario => ({
  name: `deletion by ${rule}`,
  policy: policyOf({ strategy: "merge", deletion: rule }),
  insert: (pick, write) => ({ x: `v${write}`, deletedAt: pick % 8 === 0 ? TIMES[0] : null }),
  update(row, pick, write): Step {
    if (pick % 3 === 0) return { changes: { x: `v${write}` } };
    // Also of a row that is deleted already.
    if (pick % 5 === 0) return { changes: { deletedAt: TIMES[pick % 2] as string } };
    return { changes: { deletedAt: row.deletedAt === null ? (TIMES[pick % 2] as string) : null } };
  },
  check: checkDeletion(rule),
});

export const DELETION_SCENARIOS: readonly Scenario[] = [
  deletion("last-write"),
  deletion("delete-wins"),
  deletion("update-wins"),
];

export const SCENARIOS: readonly Scenario[] = [
  ...COLUMN_SCENARIOS,
  ...ROW_SCENARIOS,
  ...DELETION_SCENARIOS,
];

export function scenarioOf(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`No scenario ${name}`);
  return found;
}
