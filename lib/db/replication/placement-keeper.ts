import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import { isUnreachable, sqlState } from "@/lib/db/regions/faults";
import { failpoint } from "@/lib/failpoints";
import { getLogger } from "@/lib/log";
import { Backoff, type Service } from "@/lib/service";
import { mergeRows, readRows } from "./repair/transfer";
import { withoutCollection } from "./repair/without-collection";
import { requireAlike } from "./row-syncer";
import { readEntityTypes } from "./store";

export interface PlacementKeeperOptions {
  region: RegionId;
  local: pg.Pool;
  /** Every region by id. */
  peers: ReadonlyMap<RegionId, pg.Pool>;
  intervalMs?: number;
}

interface Placement {
  id: string;
  /** Empty: everywhere. */
  regions: string[];
  hlc: string;
  origin: string;
}

interface PlacedRow {
  entity: string;
  id: string;
  clock: unknown;
}

/** Of one round. */
const PLACEMENTS = 20;

/** What mr.erase_placement answers when rows were written between the question and the deletion. */
const CHANGED = "MR013";

/**
 * Does in this region what placements say: copies in the rows that it may have from now on, and
 * deletes those that it must not. It deletes only what every region that may have the rows has shown
 * to have, in a version that includes the one here, so the last copy never goes. Doing it twice, or
 * beside another worker, is harmless.
 */
export class PlacementKeeper implements Service {
  readonly name = "placement keeper";
  private readonly stopping = new AbortController();
  /** Where the last round ended, in the order of ids. */
  private after = "";

  constructor(private readonly options: PlacementKeeperOptions) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    const backoff = new Backoff({ minMs: 200, maxMs: 5_000 });
    while (!signal.aborted) {
      await systemSleep(this.options.intervalMs ?? 250, signal);
      if (signal.aborted) return;
      try {
        await this.tick();
        backoff.reset();
      } catch (err) {
        getLogger("placement").debug({ err }, "placements not looked at");
        await backoff.wait(signal);
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Returns how many placements are done now that were not before. */
  async tick(): Promise<number> {
    const { rows } = await this.options.local.query<Placement>({
      name: "mr_placements_to_do",
      text: "SELECT id, regions, hlc, origin FROM mr.placements_to_do($1, $2)",
      values: [this.after, PLACEMENTS],
    });
    // What cannot be done yet must not keep the others from their turn.
    this.after = rows.length < PLACEMENTS ? "" : (rows.at(-1)?.id ?? "");
    const silent = new Set<RegionId>();
    let done = 0;
    for (const placement of rows) {
      if (this.stopping.signal.aborted) break;
      const isDone = await (
        this.mayHave(placement) ? this.fill(placement, silent) : this.erase(placement, silent)
      ).catch((err: unknown) => {
        getLogger("placement").debug({ err, placement: placement.id }, "placement not done yet");
        return false;
      });
      if (isDone) done++;
    }
    return done;
  }

  private mayHave({ regions }: Placement): boolean {
    return regions.length === 0 || regions.includes(this.options.region);
  }

  /**
   * From every region: one that must not have them any more keeps its rows until they are here. One that
   * does not answer keeps none from being copied from the others, and the placement from being done.
   */
  private async fill({ id, hlc, origin }: Placement, silent: Set<RegionId>): Promise<boolean> {
    const { region, local, peers } = this.options;
    let complete = true;
    for (const from of peers.keys()) {
      if (from === region) continue;
      const answer = await this.ask(from, silent, (peer) => this.copy(id, peer));
      complete &&= answer === true;
    }
    if (complete) {
      failpoint("placement:copied");
      await local.query("SELECT mr.end_placement($1, $2::bigint, $3)", [id, hlc, origin]);
    }
    return complete;
  }

  /** Whether all that a region has of a placement is here now. */
  private async copy(placement: string, peer: pg.Pool): Promise<boolean> {
    const { region, local } = this.options;
    const theirs = await placedRows(peer, placement);
    if (theirs.length === 0 || (await hasRows(local, theirs))) return true;
    await withoutCollection(local, async () => {
      await requireAlike(local, peer);
      const types = await readEntityTypes(local);
      for (const [entity, ids] of byEntity(theirs)) {
        const rows = await readRows(peer, region, entity, ids);
        if (rows !== null) await mergeRows(local, types, rows);
      }
    });
    // The source may not have heard of the placement yet, and then tells nothing.
    return hasRows(local, theirs);
  }

  /** Null where the region does not answer; it is not asked again in this round. */
  private async ask<T>(
    region: RegionId,
    silent: Set<RegionId>,
    question: (peer: pg.Pool) => Promise<T>,
  ): Promise<T | null> {
    const peer = this.options.peers.get(region);
    if (!peer || silent.has(region)) return null;
    try {
      return await question(peer);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      silent.add(region);
      return null;
    }
  }

  private async erase(
    { id, regions, hlc, origin }: Placement,
    silent: Set<RegionId>,
  ): Promise<boolean> {
    const { local } = this.options;
    const rows = await placedRows(local, id);
    for (const region of rows.length > 0 ? regions : []) {
      const has = await this.ask(region as RegionId, silent, (peer) => hasRows(peer, rows));
      if (has !== true) return false;
    }
    failpoint("placement:seen");
    try {
      const result = await local.query<{ erased: boolean }>(
        "SELECT mr.erase_placement($1, $2::bigint, $3, $4::jsonb) AS erased",
        [id, hlc, origin, JSON.stringify(rows)],
      );
      const erased = result.rows[0]?.erased === true;
      if (erased && rows.length > 0) {
        getLogger("placement").info({ placement: id, rows: rows.length }, "rows taken away");
      }
      return erased;
    } catch (error) {
      if (sqlState(error) === CHANGED) return false;
      throw error;
    }
  }
}

async function placedRows(pool: pg.Pool, placement: string): Promise<PlacedRow[]> {
  const { rows } = await pool.query<{ placed: PlacedRow[] }>(
    "SELECT mr.placed_rows($1) AS placed",
    [placement],
  );
  return rows[0]?.placed ?? [];
}

async function hasRows(pool: pg.Pool, wanted: readonly PlacedRow[]): Promise<boolean> {
  const { rows } = await pool.query<{ has: boolean }>("SELECT mr.has_rows($1::jsonb) AS has", [
    JSON.stringify(wanted),
  ]);
  return rows[0]?.has === true;
}

function byEntity(rows: readonly PlacedRow[]): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { entity, id } of rows) ids.set(entity, [...(ids.get(entity) ?? []), id]);
  return ids;
}
