import type pg from "pg";
import type { RegionId } from "@/lib/db/regions/region-id";
import { getLogger } from "@/lib/log";
import { Backoff, Wakeup, type Service } from "@/lib/service";
import { CopyLockedError } from "./copy-lock";
import { healRestored, readDataState } from "./restored";
import type { RepairRegion } from "./snapshot";

export interface RecoveryOptions {
  region: RegionId;
  /** Pools of its own: copying takes longer than the queries of the other parts may. */
  local: pg.Pool;
  peers: ReadonlyMap<RegionId, pg.Pool>;
}

/** How often it looks by itself whether a healing was left unfinished. */
const LOOK_EVERY_MS = 30_000;

/** Heals the region's database after it was restored from an old copy. */
export class Recovery implements Service {
  readonly name: string;
  private readonly stopping = new AbortController();
  private readonly wakeup = new Wakeup();

  constructor(private readonly options: RecoveryOptions) {
    this.name = `recovery of ${options.region}`;
  }

  /** The database is older than what a peer has of it, and refuses writes. */
  notice(): void {
    this.wakeup.wake();
  }

  async run(): Promise<void> {
    const { signal } = this.stopping;
    const log = getLogger("recovery");
    const backoff = new Backoff({ minMs: 250, maxMs: 5_000 });
    while (!signal.aborted) {
      try {
        await this.heal();
        backoff.reset();
        await this.wakeup.wait(LOOK_EVERY_MS, signal);
      } catch (err) {
        if (signal.aborted) return;
        const level = err instanceof CopyLockedError ? "debug" : "error";
        log[level]({ err, region: this.options.region }, "database not caught up yet");
        await backoff.wait(signal);
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  private async heal(): Promise<void> {
    const { region, local, peers } = this.options;
    const state = await readDataState(local);
    if (state === null || state === "ready") return;
    const log = getLogger("recovery");
    log.error({ region, state }, "the database is older than what its peers have of it");
    const others: RepairRegion[] = [...peers]
      .filter(([id]) => id !== region)
      .map(([id, pool]) => ({ id, pool }));
    const healed = await healRestored({ id: region, pool: local }, others);
    if (healed) log.warn({ region, ...healed }, "restored database healed");
  }
}
