import type pg from "pg";
import { sqlState } from "@/lib/db/regions/faults";
import { errorMessage } from "@/lib/errors";
import { getLogger } from "@/lib/log";
import { Backoff } from "@/lib/service";
import type { Batch } from "./batch";
import { applyBatch, type ApplyOutcome } from "./store";

/** Attempts of a whole batch before its rows are tried apart: the cause may pass by itself. */
const ATTEMPTS = 3;
const PAUSE = { minMs: 20, maxMs: 200 };

/**
 * Whether an event that met this error would meet it again: data (22), constraint (23), syntax or
 * access (42). Never a connection (08), a rollback (40), resources (53) or a shutdown (57). The same
 * as `mr.is_poison`.
 */
export function isPoison(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && /^(22|23|42)/.test(state);
}

/**
 * Applies a batch. When it fails for good, rows that cannot be applied are parked as dead letters,
 * in the transaction that applies the others and moves the cursor. Throws what was no event's fault.
 */
export async function applyOrPark(
  pool: pg.Pool,
  types: ReadonlyMap<string, number>,
  batch: Batch,
  signal?: AbortSignal,
): Promise<ApplyOutcome> {
  const backoff = new Backoff(PAUSE);
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyBatch(pool, types, batch);
    } catch (err) {
      if (!isPoison(err) || signal?.aborted) throw err;
      // Rows of other columns fail before the database gets to compare versions.
      if ((await readSchemaVersion(pool)) !== batch.schemaVersion) return "schema";
      if (attempt === ATTEMPTS) {
        const { actor, upto } = batch;
        // Not the error itself: its detail quotes the row.
        const reason = { state: sqlState(err), message: errorMessage(err) };
        getLogger("applier").error({ actor, upto, ...reason }, "parking what cannot be applied");
        return applyBatch(pool, types, batch, { isolate: true });
      }
    }
    await backoff.wait(signal);
  }
}

async function readSchemaVersion(pool: pg.Pool): Promise<number | undefined> {
  const { rows } = await pool.query<{ version: number }>("SELECT mr.schema_version() AS version");
  return rows[0]?.version;
}
