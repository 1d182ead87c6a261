import { systemSleep, type Sleep } from "@/lib/clock";
import { errorMessage, MeridianError } from "@/lib/errors";

export class UnknownProcessError extends MeridianError {
  constructor(name: string, known: readonly string[]) {
    super("unknown-process", `There is no process "${name}": known are ${known.join(", ")}.`);
  }
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ManagedProcess {
  pid: number;
  /** Settled when the process has ended, whatever ended it. */
  exited: Promise<Exit>;
  /** To the process and all that belongs to it. */
  signal(name: NodeJS.Signals): void;
  /** Ordinary shutdown, by force when it takes too long. */
  stop(): Promise<void>;
}

export interface RestartPolicy {
  /** Wait after somebody killed it. */
  killedMs: number;
  /** Wait after it ended by itself; doubled each time in a row. */
  crashedMs: number;
  maxMs: number;
}

export interface SupervisedSpec {
  name: string;
  restart: RestartPolicy;
  /** Resolves once it works. Called again for each restart. */
  start(): Promise<ManagedProcess>;
}

/**
 * - `kill`, `stop`, `continue`: SIGKILL, SIGSTOP, SIGCONT; what was killed is started again after a while.
 * - `hold`: killed, and kept down until `start`.
 * - `start`: whatever keeps it from running ends now: the wait for a restart, being held, being stopped.
 */
export const PROCESS_ACTIONS = ["kill", "stop", "continue", "hold", "start"] as const;
export type ProcessAction = (typeof PROCESS_ACTIONS)[number];

/**
 * - `running`
 * - `stopped`: by SIGSTOP; it has its memory and its sockets, and does nothing.
 * - `down`: it has ended and will be started again.
 * - `held`: it has ended, or is about to, and stays away until `start`.
 */
export type ProcessState = "running" | "stopped" | "down" | "held";

/** A process that ran this long is not crashing at its start: the waiting begins anew. */
const STABLE_MS = 10_000;

interface Entry {
  spec: SupervisedSpec;
  /** Undefined between an end and the next start. */
  process: ManagedProcess | undefined;
  /** It got SIGSTOP, and nothing since. */
  stopped: boolean;
  /** Not to be started again. */
  held: boolean;
  /** Ends the wait before a restart. */
  hurry: AbortController;
  stopping: AbortController;
  /** The supervising loop. */
  done: Promise<void>;
}

export interface SupervisorOptions {
  log: (line: string) => void;
  /** After every start and every end. */
  onChange: () => void;
  sleep?: Sleep;
  now?: () => number;
}

/** How long to wait before the n-th restart in a row (0 is the first). Pure. */
export function restartDelayMs(policy: RestartPolicy, exit: Exit, inARow: number): number {
  if (exit.signal !== null) return Math.min(policy.killedMs, policy.maxMs);
  return Math.min(policy.crashedMs * 2 ** inARow, policy.maxMs);
}

/** Keeps processes running: what ends without being asked to is started again. */
export class Supervisor {
  private readonly entries = new Map<string, Entry>();
  private readonly sleep: Sleep;
  private readonly now: () => number;

  constructor(private readonly options: SupervisorOptions) {
    this.sleep = options.sleep ?? systemSleep;
    this.now = options.now ?? (() => performance.now());
  }

  /** Starts a process and keeps it running. Rejects when the first start fails. */
  async add(spec: SupervisedSpec): Promise<void> {
    const first = await spec.start();
    const entry: Entry = {
      spec,
      process: first,
      stopped: false,
      held: false,
      hurry: new AbortController(),
      stopping: new AbortController(),
      done: Promise.resolve(),
    };
    entry.done = this.supervise(entry, first);
    this.entries.set(spec.name, entry);
    this.options.onChange();
  }

  pidOf(name: string): number | null {
    return this.entries.get(name)?.process?.pid ?? null;
  }

  /** Processes that run now. */
  running(): { name: string; pid: number }[] {
    return [...this.entries.values()].flatMap(({ spec, process }) =>
      process ? [{ name: spec.name, pid: process.pid }] : [],
    );
  }

  /** All of them, also those that do not run. */
  states(): { name: string; state: ProcessState }[] {
    return [...this.entries.values()].map((entry) => ({
      name: entry.spec.name,
      state: stateOf(entry),
    }));
  }

  /** A fault, or its end, for a test or a demonstration. Returns whether the process was there to take it. */
  act(name: string, action: ProcessAction): boolean {
    const entry = this.entries.get(name);
    if (!entry) throw new UnknownProcessError(name, [...this.entries.keys()]);
    const there = entry.process !== undefined;
    switch (action) {
      case "kill":
        entry.process?.signal("SIGKILL");
        break;
      case "stop":
        entry.stopped = there;
        entry.process?.signal("SIGSTOP");
        break;
      case "continue":
        entry.stopped = false;
        entry.process?.signal("SIGCONT");
        break;
      case "hold":
        entry.held = true;
        entry.process?.signal("SIGKILL");
        break;
      case "start":
        entry.held = false;
        entry.stopped = false;
        entry.process?.signal("SIGCONT");
        entry.hurry.abort();
        break;
      default:
        action satisfies never;
    }
    return there;
  }

  /** Ends every fault that `act` can make. */
  startAll(): void {
    for (const name of this.entries.keys()) this.act(name, "start");
  }

  /** Stops a process for good; unknown names are ignored. */
  async stop(name: string): Promise<void> {
    const entry = this.entries.get(name);
    if (!entry) return;
    entry.stopping.abort();
    entry.process?.signal("SIGCONT"); // one that is paused cannot shut down
    await entry.process?.stop();
    await entry.done;
    this.entries.delete(name);
    this.options.onChange();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.entries.keys()].map((name) => this.stop(name)));
  }

  private async supervise(entry: Entry, first: ManagedProcess): Promise<void> {
    const { spec } = entry;
    const stopping = entry.stopping.signal;
    let current = first;
    let inARow = 0;
    for (;;) {
      const startedAt = this.now();
      const exit = await current.exited;
      entry.process = undefined;
      entry.stopped = false;
      if (stopping.aborted) return;
      this.options.onChange();
      if (this.now() - startedAt > STABLE_MS) inARow = 0;
      const next = await this.restart(entry, exit, inARow);
      if (!next) return;
      inARow = exit.signal === null ? inARow + 1 : 0;
      current = next;
      entry.process = next;
      if (stopping.aborted) {
        await next.stop();
        entry.process = undefined;
        return;
      }
      this.options.log(`${spec.name} runs again (pid ${next.pid})`);
      this.options.onChange();
    }
  }

  /** Until the delay is over or somebody is in a hurry, and no one holds it. */
  private async beforeRestart(entry: Entry, delayMs: number): Promise<void> {
    const stopping = entry.stopping.signal;
    entry.hurry = new AbortController();
    await this.sleep(delayMs, AbortSignal.any([stopping, entry.hurry.signal]));
    while (entry.held && !stopping.aborted) {
      entry.hurry = new AbortController();
      const released = AbortSignal.any([stopping, entry.hurry.signal]);
      await new Promise((resolve) => released.addEventListener("abort", resolve, { once: true }));
    }
  }

  /** Tries until it works or nobody wants it any more. */
  private async restart(
    entry: Entry,
    exit: Exit,
    inARow: number,
  ): Promise<ManagedProcess | undefined> {
    const { spec } = entry;
    const how = exit.signal ? `by ${exit.signal}` : `with exit code ${exit.code}`;
    let reason = `ended ${how}`;
    for (let attempt = inARow, last = exit; ; attempt++) {
      const delayMs = restartDelayMs(spec.restart, last, attempt);
      this.options.log(`${spec.name} ${reason}; starting it again in ${delayMs} ms`);
      await this.beforeRestart(entry, delayMs);
      if (entry.stopping.signal.aborted) return undefined;
      try {
        return await spec.start();
      } catch (error) {
        reason = `does not start: ${errorMessage(error)}`;
        last = { code: 1, signal: null };
      }
    }
  }
}

function stateOf({ process, stopped, held }: Entry): ProcessState {
  if (held) return "held";
  if (!process) return "down";
  return stopped ? "stopped" : "running";
}
