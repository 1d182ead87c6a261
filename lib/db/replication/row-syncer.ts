import { DatabaseError } from "pg";
import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import { failpoint } from "@/lib/failpoints";
import { getLogger } from "@/lib/log";
import { Backoff, type Service } from "@/lib/service";
import { mergeRows, readRows } from "./repair/transfer";
import { withoutCollection } from "./repair/without-collection";
import { readEntityTypes } from "./store";

export interface RowSyncerOptions {
  region: RegionId;
  local: pg.Pool;
  /** Every region by id. */
  peers: ReadonlyMap<RegionId, pg.Pool>;
  intervalMs?: number;
}

interface Wish {
  entity: string;
  entity_id: string;
  source: string;
  clock: unknown;
  attempts: number;
}

/** Rows of one look: with the pause between two looks, the most that readers can make a worker copy. */
const ROWS = 50;

/**
 * Carries out what readers of leaderless entities found missing in this region: copies the row from
 * the region that has it, and merges it as the entity merges. Rows that have arrived meanwhile, which
 * are most, are not fetched. Doing it twice, or beside another worker, is harmless.
 */
export class RowSyncer implements Service {
  readonly name = "row syncer";
  private readonly stopping = new AbortController();

  constructor(private readonly options: RowSyncerOptions) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    const backoff = new Backoff({ minMs: 200, maxMs: 5_000 });
    while (!signal.aborted) {
      await systemSleep(this.options.intervalMs ?? 200, signal);
      if (signal.aborted) return;
      try {
        await this.tick();
        backoff.reset();
      } catch (err) {
        getLogger("row-syncer").debug({ err }, "wishes not looked at");
        await backoff.wait(signal);
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Returns the number of rows that were merged. */
  async tick(): Promise<number> {
    const { rows: wishes } = await this.options.local.query<Wish>(
      "SELECT entity, entity_id, source, clock, attempts FROM mr.take_sync_wishes($1)",
      [ROWS],
    );
    if (wishes.length > 0) failpoint("syncer:taken");
    let merged = 0;
    for (const group of groupBySource(wishes)) merged += await this.fetch(group);
    return merged;
  }

  private async fetch(wishes: readonly [Wish, ...Wish[]]): Promise<number> {
    const [{ entity, source }] = wishes;
    try {
      return await this.merge(
        entity,
        source,
        wishes.map(({ entity_id }) => entity_id),
      );
    } catch (err) {
      getLogger("row-syncer").debug({ err, entity, source }, "rows not fetched");
      // A row that cannot be merged must not keep the others from it.
      if (wishes.length > 1 && err instanceof DatabaseError && /^(22|23)/.test(err.code ?? "")) {
        let merged = 0;
        for (const wish of wishes) merged += await this.fetch([wish]);
        return merged;
      }
      for (const wish of wishes) {
        await this.options.local.query("SELECT mr.postpone_sync_wish($1)", [JSON.stringify(wish)]);
      }
      return 0;
    }
  }

  private async merge(entity: string, source: string, ids: readonly string[]): Promise<number> {
    const { region, local, peers } = this.options;
    const peer = peers.get(source as RegionId);
    if (!peer) throw new Error(`${source} is registered and not configured`);
    return withoutCollection(local, async () => {
      await requireAlike(local, peer);
      const rows = await readRows(peer, region, entity, ids);
      if (rows === null) return 0;
      await mergeRows(local, await readEntityTypes(local), rows);
      return rows.count;
    });
  }
}

/** Rows of another schema cannot be read here, and an old copy's may be under dots of other writes. */
export async function requireAlike(local: pg.Pool, peer: pg.Pool): Promise<void> {
  const [here, there] = await Promise.all(
    [local, peer].map(async (pool) => {
      const { rows } = await pool.query<{ version: number; state: string }>(
        "SELECT mr.schema_version() AS version, state FROM mr.local",
      );
      return rows[0];
    }),
  );
  if (here?.version !== there?.version) throw new Error("The source has another schema");
  if (there?.state !== "ready") throw new Error("The source is being brought up to date");
}

function groupBySource(wishes: readonly Wish[]): [Wish, ...Wish[]][] {
  const groups = new Map<string, [Wish, ...Wish[]]>();
  for (const wish of wishes) {
    const key = `${wish.source} ${wish.entity}`;
    const group = groups.get(key);
    if (group) group.push(wish);
    else groups.set(key, [wish]);
  }
  return [...groups.values()];
}
