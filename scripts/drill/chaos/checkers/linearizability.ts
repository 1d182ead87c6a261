import { callsNamed, type Operation } from "@/scripts/drill/chaos/history";
import type { Checker, Run } from "./run";

/** A step of one register. One without an end may have taken effect at any time after its beginning, or never. */
export type RegisterStep = { startMs: number; endMs: number } & (
  | { kind: "read"; value: string }
  | { kind: "cas"; from: string; to: string; swapped: boolean | null }
);

/** Before anybody has written. */
const INITIAL = "";

/** Beyond it a search has lost its way. The registers of a drill have some dozens of steps each. */
const MOST_LOOKS = 2_000_000;

/**
 * Each register behaves as one that has one copy: there is an order of all steps, each between its beginning and its end,
 * in which every one is told what those before it left.
 */
export const linearizability: Checker = {
  name: "linearizability",
  check(run) {
    return [...registersOf(run)].flatMap(([key, steps]) => {
      switch (findOrder(steps)) {
        case "found":
          return [];
        case "none":
          return [`No order of its ${steps.length} steps explains register ${key}`];
        case "gave-up":
          return [`Whether register ${key} can be explained was not found out`];
      }
    });
  },
};

function registersOf({ operations, states }: Run): Map<string, RegisterStep[]> {
  const registers = new Map<string, RegisterStep[]>();
  const add = (key: string, step: RegisterStep) =>
    registers.set(key, [...(registers.get(key) ?? []), step]);
  const times = ({ invokedMs, endedMs }: Operation) => ({ startMs: invokedMs, endMs: endedMs });
  for (const read of callsNamed(operations, "register/read")) {
    if (read.answer) add(read.call.key, { kind: "read", ...read.answer, ...times(read) });
  }
  for (const cas of callsNamed(operations, "register/cas")) {
    if (cas.outcome === "fail") continue;
    const { key, from, to } = cas.call;
    add(key, { kind: "cas", from, to, swapped: cas.answer?.swapped ?? null, ...times(cas) });
  }
  // What the regions have in the end is what a read after everything would be told.
  for (const { registers: ends } of states) {
    for (const [key, value] of Object.entries(ends)) {
      if (registers.has(key))
        add(key, { kind: "read", value, startMs: Number.MAX_VALUE, endMs: Number.MAX_VALUE });
    }
  }
  return registers;
}

/**
 * The search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memory of what has been tried:
 * the same steps taken, in whatever order, and the same value left, lead to the same rest.
 */
export function findOrder(unsorted: readonly RegisterStep[]): "found" | "none" | "gave-up" {
  const steps = [...unsorted].sort((a, b) => a.startMs - b.startMs);
  const needed = steps.filter(({ endMs }) => endMs < Infinity).length;
  const tried = new Set<string>();
  const taken = new Uint8Array(steps.length);
  let looks = 0;
  const search = (value: string, left: number): boolean => {
    if (left === 0) return true;
    if (looks++ > MOST_LOOKS) return false;
    const key = `${value} ${Buffer.from(taken).toString("latin1")}`;
    if (tried.has(key)) return false;
    tried.add(key);
    // Whatever begins after another one's end cannot come before it.
    let limitMs = Infinity;
    for (let at = 0; at < steps.length; at++) {
      if (!taken[at]) limitMs = Math.min(limitMs, steps[at]!.endMs);
    }
    for (let at = 0; at < steps.length && steps[at]!.startMs <= limitMs; at++) {
      if (taken[at]) continue;
      const step = steps[at]!;
      const after = applied(step, value);
      if (after === null) continue;
      taken[at] = 1;
      if (search(after, left - (step.endMs < Infinity ? 1 : 0))) return true;
      taken[at] = 0;
    }
    return false;
  };
  if (search(INITIAL, needed)) return "found";
  return looks > MOST_LOOKS ? "gave-up" : "none";
}

/** What the step leaves of a register with this value; null if it would have been told something else. */
function applied(step: RegisterStep, value: string): string | null {
  switch (step.kind) {
    case "read":
      return step.value === value ? value : null;
    case "cas": {
      const swaps = step.from === value;
      // One whose answer is not known, and that does nothing, need not be taken at all.
      if (step.swapped === null) return swaps ? step.to : null;
      return step.swapped === swaps ? (swaps ? step.to : value) : null;
    }
    default:
      return step satisfies never;
  }
}
