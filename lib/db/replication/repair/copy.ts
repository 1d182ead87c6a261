import type pg from "pg";
import { failpoint } from "@/lib/failpoints";
import type { EntityRows } from "@/lib/db/replication/batch";
import { readEntityTypes } from "@/lib/db/replication/store";
import { findDifferences } from "./ranges";
import { openSnapshot, type Held, type RepairRegion, type Snapshot } from "./snapshot";
import { chunked, mergeRows, readRows } from "./transfer";
import { withoutCollection } from "./without-collection";

export interface CopyProgress {
  source: string;
  entity: string;
  /** Rows of the entity sent so far. */
  rows: number;
  done: boolean;
}

export interface Copied {
  source: string;
  /** Rows that the target lacked, or had in another version. */
  rows: number;
  ms: number;
}

/** Merges all that a snapshot has, and the target does not, into the target. */
async function mergeSnapshot(
  source: Snapshot,
  target: RepairRegion,
  types: ReadonlyMap<string, number>,
  onProgress?: (progress: CopyProgress) => void,
): Promise<number> {
  let sum = 0;
  for (const entity of source.entities.keys()) {
    let sent = 0;
    // The source reads the next rows while the target merges these.
    let merging: Promise<void> = Promise.resolve();
    const send = async (rows: EntityRows | null) => {
      await merging;
      if (rows === null) return;
      merging = mergeRows(target.pool, types, rows).then(() => failpoint("copy:sent"));
      merging.catch(() => undefined);
      sent += rows.count;
      onProgress?.({ source: source.region, entity, rows: sent, done: false });
    };
    const views = [source, { region: target.id, db: target.pool }];
    await findDifferences(views, entity, async (found) => {
      const theirs = found.flatMap(({ states }) => states[0] ?? []);
      for (const chunk of chunked(theirs)) {
        await send(
          await readRows(
            source.db,
            target.id,
            entity,
            chunk.map(({ id }) => id),
          ),
        );
      }
    });
    await merging;
    sum += sent;
    onProgress?.({ source: source.region, entity, rows: sent, done: true });
  }
  return sum;
}

/**
 * Brings a target to at least the state that each source has now, and its cursors to what that
 * state includes, while writes go on everywhere. After it the streams continue from there.
 */
export async function copyFrom(
  sources: readonly RepairRegion[],
  target: RepairRegion,
  onProgress?: (progress: CopyProgress) => void,
): Promise<Copied[]> {
  return withoutCollection(target.pool, () => copyAll(sources, target, onProgress));
}

async function copyAll(
  sources: readonly RepairRegion[],
  target: RepairRegion,
  onProgress?: (progress: CopyProgress) => void,
): Promise<Copied[]> {
  const types = await readEntityTypes(target.pool);
  const copied: Copied[] = [];
  for (const source of sources) {
    const startedMs = performance.now();
    const snapshot = await openSnapshot(source);
    try {
      const rows = await mergeSnapshot(snapshot, target, types, onProgress);
      failpoint("copy:merged");
      await raiseCursors(target.pool, snapshot.held);
      copied.push({ source: source.id, rows, ms: Math.round(performance.now() - startedMs) });
    } finally {
      await snapshot.close();
    }
  }
  return copied;
}

/** Only for a database that has merged everything of a snapshot that held this much. */
export async function raiseCursors(target: pg.Pool, held: Held): Promise<void> {
  await target.query("SELECT mr.raise_cursors($1::jsonb)", [JSON.stringify(held)]);
}
