import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { isRead, type AnswerOf, type CallName, type CallOf } from "./calls";

/** A call begins. `op` is its number, `vantage` the region that it is made from. */
export interface Invoked {
  type: "invoke";
  atMs: number;
  op: number;
  name: CallName;
  vantage: string;
  call: CallOf<CallName>;
}

/**
 * - `ok`: it was done, and this is what the client was told.
 * - `fail`: it was not done, and never will be.
 * - `info`: nobody can say. It may take effect at any later time, or never.
 */
export type Ended =
  | { type: "ok"; atMs: number; op: number; answer: AnswerOf<CallName> }
  | { type: "fail" | "info"; atMs: number; op: number; detail: string };

export type FaultPhase = "begin" | "end";

export interface FaultNoted {
  type: "fault";
  atMs: number;
  /** Number in the plan. */
  fault: number;
  phase: FaultPhase;
  kind: string;
  detail: string;
}

/** A region's own word, asked at `askedMs`, that it leads this epoch. */
export interface LeaderSeen {
  type: "leader";
  atMs: number;
  askedMs: number;
  region: string;
  epoch: string;
}

/** One snapshot of one region: how far it has applied each actor, and rows of the set. */
export interface SnapshotSeen {
  type: "snapshot";
  atMs: number;
  region: string;
  /** That it writes as; its own writes have no cursor. */
  actor: string;
  cursors: Readonly<Record<string, string>>;
  /** Element, origin and position of each row past the cursors of the snapshot before. */
  rows: readonly (readonly [element: string, origin: string, position: string])[];
}

/**
 * A region went back to an older database. Of what `actor` wrote, the database that was put back has
 * all before `copied`, and some other region had applied all up to `told`. What is in neither may be gone.
 */
export interface WentBack {
  type: "went-back";
  atMs: number;
  region: string;
  actor: string;
  copied: string;
  told: string;
}

/**
 * - `started`: clients and faults begin.
 * - `healed`: every fault has been undone.
 * - `stopped`: no client writes any more.
 * - `converged`: all regions have the same; without it they had not within the time for it.
 */
export type Phase = "started" | "healed" | "stopped" | "converged";

export interface PhaseBegun {
  type: "phase";
  atMs: number;
  phase: Phase;
}

/** All times are of one monotonic clock, in ms since the history began. */
export type HistoryEvent =
  Invoked | Ended | FaultNoted | LeaderSeen | SnapshotSeen | WentBack | PhaseBegun;

/** One call from its beginning to its end; a call without an end is open. */
export interface Operation<N extends CallName = CallName> {
  op: number;
  name: N;
  vantage: string;
  call: CallOf<N>;
  invokedMs: number;
  /** Infinity where its outcome is not known. */
  endedMs: number;
  outcome: "ok" | "fail" | "info";
  /** Where it is `ok`. */
  answer: AnswerOf<N> | null;
}

/** Of each kind of event by itself. */
export type WithoutTime<E> = E extends HistoryEvent ? Omit<E, "atMs"> : never;

/** Appends to a file, line by line: what was noted before a crash of the drill can be judged. */
export class HistoryWriter {
  private readonly file: number;
  private readonly beganMs = performance.now();
  private ops = 0;
  private written = 0;

  constructor(path: string) {
    this.file = openSync(path, "w");
  }

  nowMs(): number {
    return Math.round((performance.now() - this.beganMs) * 1_000) / 1_000;
  }

  /** Writes that clients were told of. */
  get acknowledged(): number {
    return this.written;
  }

  note(event: WithoutTime<HistoryEvent>): void {
    writeSync(this.file, `${JSON.stringify({ ...event, atMs: this.nowMs() })}\n`);
  }

  /** Returns what ends the call. */
  invoke<N extends CallName>(
    name: N,
    vantage: string,
    call: CallOf<N>,
  ): {
    ok: (answer: AnswerOf<N>) => void;
    fail: (detail: string) => void;
    info: (detail: string) => void;
  } {
    const op = this.ops++;
    this.note({ type: "invoke", op, name, vantage, call });
    const end = (event: WithoutTime<Ended>) => {
      if (event.type === "ok" && !isRead(name)) this.written += 1;
      this.note(event);
    };
    return {
      ok: (answer) => end({ type: "ok", op, answer }),
      fail: (detail) => end({ type: "fail", op, detail }),
      info: (detail) => end({ type: "info", op, detail }),
    };
  }

  close(): void {
    closeSync(this.file);
  }
}

/** In the order of the file. A last line that a crash cut off is left out. */
export function readHistory(path: string): HistoryEvent[] {
  const lines = readFileSync(path, "utf8").split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line) as HistoryEvent);
}

/** In the order of their beginnings. */
export function operationsOf(events: readonly HistoryEvent[]): Operation[] {
  const operations = new Map<number, Operation>();
  for (const event of events) {
    if (event.type === "invoke") {
      const { op, name, vantage, call, atMs } = event;
      const open = { endedMs: Infinity, outcome: "info", answer: null } as const;
      operations.set(op, { op, name, vantage, call, invokedMs: atMs, ...open });
    } else if (event.type === "ok" || event.type === "fail") {
      const operation = operations.get(event.op);
      if (!operation) throw new Error(`Operation ${event.op} ended and never began`);
      operation.outcome = event.type;
      operation.endedMs = event.atMs;
      if (event.type === "ok") operation.answer = event.answer;
    }
  }
  return [...operations.values()];
}

export function callsNamed<N extends CallName>(
  operations: readonly Operation[],
  name: N,
): Operation<N>[] {
  return operations.filter((operation): operation is Operation<N> => operation.name === name);
}

/** Of those that were acknowledged. */
export function acknowledged<N extends CallName>(
  operations: readonly Operation[],
  name: N,
): (Operation<N> & { answer: AnswerOf<N> })[] {
  return callsNamed(operations, name).filter(
    (operation): operation is Operation<N> & { answer: AnswerOf<N> } =>
      operation.outcome === "ok" && operation.answer !== null,
  );
}

export function phaseAtMs(events: readonly HistoryEvent[], phase: Phase): number | null {
  const begun = events.find((event) => event.type === "phase" && event.phase === phase);
  return begun?.atMs ?? null;
}
