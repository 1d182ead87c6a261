import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";
import { copyFrom } from "./copy";
import { withCopyLock } from "./copy-lock";
import type { RepairRegion } from "./snapshot";

export interface FormerIncarnationsOptions {
  region: RegionId;
  /** Pools of its own: copying takes longer than the queries of the other parts may. */
  local: pg.Pool;
  peers: ReadonlyMap<RegionId, pg.Pool>;
  intervalMs?: number;
}

interface Behind {
  source: RegionId;
  actor: string;
  upto: string;
}

const LOOK_TIMEOUT_MS = 5_000;

/** A source that did not answer, or had less than it once said, is asked again after so long. */
const IN_VAIN_MS = 30_000;

/**
 * Copies in what this region lacks of streams that have ended: those of a region whose database was lost or put back, and
 * that writes as a new incarnation now. No stream takes the rest of the former one to whoever had not heard it all.
 */
export class FormerIncarnations implements Service {
  readonly name = "former incarnations";
  private readonly stopping = new AbortController();
  /** When what was asked for in vain may be asked for again, of performance.now(). */
  private readonly inVain = new Map<string, number>();

  constructor(private readonly options: FormerIncarnationsOptions) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await systemSleep(this.options.intervalMs ?? 1_000, signal);
      if (signal.aborted) return;
      try {
        await this.tick();
      } catch (err) {
        getLogger("recovery").debug({ err }, "former incarnations not caught up with yet");
        await systemSleep(1_000, signal);
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Whether something was copied. */
  async tick(): Promise<boolean> {
    const { region, local, peers } = this.options;
    const [first] = (await this.behind()).filter(
      (missing) => performance.now() >= (this.inVain.get(keyOf(missing)) ?? 0),
    );
    const pool = first && peers.get(first.source);
    if (!pool) return false;
    const target: RepairRegion = { id: region, pool: local };
    try {
      const copied = await withCopyLock(target, () =>
        copyFrom([{ id: first.source, pool }], target),
      );
      getLogger("recovery").warn(
        { region, ...first, copied },
        "caught up with a former incarnation",
      );
    } finally {
      // It has what it said, and nobody asks again; or it has not, or does not answer, and another one is asked first.
      this.inVain.set(keyOf(first), performance.now() + IN_VAIN_MS);
    }
    return true;
  }

  private async behind(): Promise<Behind[]> {
    const { rows } = await this.options.local.query<Behind>({
      name: "mr_former_behind",
      text: "SELECT source, actor, upto::text FROM mr.former_behind()",
      // Copying may take long; this may not.
      ...{ query_timeout: LOOK_TIMEOUT_MS },
    });
    return rows;
  }
}

function keyOf({ source, actor, upto }: Behind): string {
  return `${source} ${actor} ${upto}`;
}
