import type { Json } from "@/lib/db/conflicts/conflict-record";
import { toHlc } from "@/lib/db/conflicts/hlc";
import type { EntityType } from "@/lib/db/conflicts/entities";
import { isDataColumn, type MergeState, type Row } from "@/lib/db/conflicts/strategies/row";
import type { VectorClock } from "@/lib/db/conflicts/vector-clock";
import {
  positionsFromJson,
  toPosition,
  type Position,
  type Positions,
  type PositionsJson,
} from "@/lib/db/sessions/positions";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** A row as a region has it, with the position of its last write. Large numbers in `values` are rounded. */
export interface RowVersion extends Row {
  readonly position: Position;
}

export interface HeldVersion {
  /** Null: the region has no such row. */
  row: RowVersion | null;
  /** What the region had applied when it said so. */
  applied: Positions;
  /** False: the region is being brought up to date, and may lack what it once acknowledged. */
  ready: boolean;
}

export async function readVersion(
  db: PrismaClient,
  entityType: EntityType,
  id: string,
): Promise<HeldVersion> {
  const rows = await db.$queryRaw<{ version: string | null; applied: string; ready: boolean }[]>`
    SELECT version, applied, ready FROM mr.read_version(${entityType}, ${id})`;
  const [answer] = rows;
  const applied = answer && positionsFromJson(JSON.parse(answer.applied) as PositionsJson);
  if (!answer || !applied) throw new Error("mr.read_version returned nothing");
  const row = answer.version === null ? null : parseVersion(answer.version);
  return { row, applied, ready: answer.ready };
}

function parseVersion(text: string): RowVersion {
  const json = JSON.parse(text) as Record<string, Json>;
  const { deletedAt, merge } = json;
  return {
    id: String(json.id),
    values: Object.fromEntries(Object.entries(json).filter(([name]) => isDataColumn(name))),
    deletedAt: typeof deletedAt === "string" ? new Date(deletedAt).toISOString() : null,
    clock: json.clock as VectorClock,
    hlc: toHlc(String(json.hlc)),
    origin: String(json.origin),
    position: toPosition(String(json.position)),
    merge: (merge ?? {}) as MergeState,
  };
}
