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

export const PROCESS_ACTIONS = ["kill", "stop", "continue"] as const;
export type ProcessAction = (typeof PROCESS_ACTIONS)[number];

const SIGNALS: Record<ProcessAction, NodeJS.Signals> = {
  kill: "SIGKILL",
  stop: "SIGSTOP",
  continue: "SIGCONT",
};

/** A process that ran this long is not crashing at its start: the waiting begins anew. */
const STABLE_MS = 10_000;

interface Entry {
  spec: SupervisedSpec;
  /** Undefined between an end and the next start. */
  process: ManagedProcess | undefined;
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

  /** A fault, for a test or a demonstration. Returns whether the process was there to take it. */
  act(name: string, action: ProcessAction): boolean {
    const entry = this.entries.get(name);
    if (!entry) throw new UnknownProcessError(name, [...this.entries.keys()]);
    entry.process?.signal(SIGNALS[action]);
    return entry.process !== undefined;
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
      await this.sleep(delayMs, entry.stopping.signal);
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
