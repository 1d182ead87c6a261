import { randomUUID } from "node:crypto";
import type { Durability } from "@/lib/db/conflicts/policy";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import { RegionTimeoutError } from "@/lib/db/regions/faults";
import { isActor, type RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { toPosition } from "@/lib/db/sessions/positions";
import { writeRow, type WrittenRow } from "@/lib/db/writes/write-row";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { openLoop } from "@/lib/open-loop";
import { DURABILITIES } from "@/lib/policy-defaults";
import type { AcknowledgedWrite } from "./ledger";

export type WriteOutcome =
  | { kind: "acknowledged"; write: AcknowledgedWrite; regionId: RegionId; durability: Durability }
  | { kind: "refused" | "indeterminate"; detail: string };

/** With the write, without it and said so, without it and not said so, or no answer. */
export type ReadOutcome = "fresh" | "told-stale" | "stale" | "unanswered";

/** How long the client of a real application would wait for a leader. */
const WAIT_MS = 10_000;

/** One write of a row that needs a leader, through the application's own path for such writes. */
export async function writeLabRow(
  runtime: () => Runtime,
  vantage: RegionId,
  durability: Durability,
): Promise<WriteOutcome> {
  const id = randomUUID();
  const attempt = (db: PrismaClient) => insertOrFind(db, { id, vantage, durability });
  const outcome = await writeRow("LabRow", vantage, attempt, {
    durability,
    waitMs: WAIT_MS,
    runtime,
  }).catch((error: unknown) => ({ kind: "indeterminate" as const, detail: String(error) }));
  if (outcome.kind !== "placed") return { kind: outcome.kind, detail: outcome.detail };
  const { confirmation, regionId, value } = outcome;
  if (confirmation.kind === "indeterminate") {
    return { kind: "indeterminate", detail: confirmation.detail };
  }
  const { origin, position } = value;
  if (!isActor(origin)) throw new RangeError("Not the origin of a replicated row");
  return {
    kind: "acknowledged",
    write: { id, kind: "row", needs: new Map([[origin, toPosition(position)]]) },
    regionId,
    durability,
  };
}

/** What it returns is stamped: also when an earlier attempt made the row. */
async function insertOrFind(
  db: PrismaClient,
  row: { id: string; vantage: string; durability: string },
): Promise<WrittenRow> {
  const rows = await db.$queryRaw<WrittenRow[]>`
    WITH made AS (
      INSERT INTO "LabRow" ("id", "vantage", "durability")
      VALUES (${row.id}, ${row.vantage}, ${row.durability}) ON CONFLICT ("id") DO NOTHING
      RETURNING "id", "origin", "position")
    SELECT "id", "origin", "position" FROM made
    UNION ALL SELECT "id", "origin", "position" FROM "LabRow" WHERE "id" = ${row.id}
    LIMIT 1`;
  // Another transaction is about to commit it, or came between this one's snapshot and its insert.
  if (!rows[0]) throw new RegionTimeoutError(0);
  return rows[0];
}

/** A read at another region, by the session that has just written the row. */
export async function readBack(
  runtime: () => Runtime,
  vantage: RegionId,
  { id, needs }: AcknowledgedWrite,
): Promise<ReadOutcome> {
  const token = { kind: "valid" as const, positions: needs };
  const reader = new ReadYourWritesManager(runtime);
  // A session of its own: what other reads saw must not make this one look fresh.
  const user = `fault-lab:${id}`;
  const find = (db: PrismaClient) =>
    db.labRow.findUnique({ where: { id }, select: { id: true, origin: true, position: true } });
  try {
    const { data, receipt } = await reader.ensureConsistency(user, vantage, find, {
      token,
      vantage,
      of: "LabRow",
    });
    if (data) return "fresh";
    return receipt.stale ? "told-stale" : "stale";
  } catch {
    return "unanswered";
  }
}

/** Writes in flight at once; more would only queue in the pools while nobody leads. */
const MAX_OPEN = 60;

export interface RowLoadOptions {
  runtime: () => Runtime;
  regions: readonly RegionId[];
  everyMs: number;
  onOutcome: (outcome: WriteOutcome, vantage: RegionId) => void;
}

/** Starts a write at a steady rate, in the regions and the durabilities in turn, answered or not. */
export async function writeRows(options: RowLoadOptions, signal: AbortSignal): Promise<void> {
  const { runtime, regions, everyMs, onOutcome } = options;
  const start = async (turn: number) => {
    const vantage = regions[turn % regions.length]!;
    const durability = DURABILITIES[Math.floor(turn / regions.length) % DURABILITIES.length]!;
    onOutcome(await writeLabRow(runtime, vantage, durability), vantage);
  };
  await openLoop({ everyMs, maxOpen: MAX_OPEN, start }, signal);
}
