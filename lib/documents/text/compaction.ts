import { createHash } from "node:crypto";
import * as Y from "yjs";
import type { VectorClock } from "@/lib/db/conflicts/vector-clock";
import { fromBase64, joinedClock, type StoredUpdate } from "./text-state";
import { docOf } from "./ytext";

/** Live updates of a document at which a write joins the older ones. */
export const COMPACT_ABOVE = 200;

/** The newest updates stay as they are: the base of a form that is open now is rebuilt from them. */
const KEEP_NEWEST = 100;

/** One row in place of many. */
export interface Snapshot {
  id: string;
  update: Uint8Array;
  /** Covers the clocks of all that it replaces. */
  clock: VectorClock;
  /** Ids of the rows that it replaces: those that were read, and no others. */
  covered: string[];
}

/** Null while there is little to join. */
export function planSnapshot(updates: readonly StoredUpdate[]): Snapshot | null {
  if (updates.length <= COMPACT_ABOVE) return null;
  const old = updates.slice(0, updates.length - KEEP_NEWEST);
  const covered = old.map(({ id }) => id);
  // What waits for an update that has not arrived is a part of the encoded state too.
  const update = Y.encodeStateAsUpdate(docOf(old.map((row) => fromBase64(row.update))));
  const hash = createHash("sha256")
    .update([...covered].sort().join("|"))
    .digest("hex");
  return { id: `snap:${hash.slice(0, 40)}`, update, clock: joinedClock(old), covered };
}
