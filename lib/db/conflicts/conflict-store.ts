import type { WriteMark } from "@/lib/db/read-your-writes";
import { Prisma } from "@/lib/generated/prisma/client";
import {
  conflictId,
  parseVersions,
  type ConflictVersion,
  type Json,
  type WriteStrategy,
} from "./conflict-record";
import type { VectorClock } from "./vector-clock";
import type { Db } from "./writable-entities";

export interface ConflictRecord {
  id: string;
  entityType: string;
  entityId: string;
  field: string;
  strategy: string;
  outcome: "open" | "resolved";
  versions: ConflictVersion[];
}

export interface ConflictRef {
  id: string;
  field: string;
  outcome: "open" | "resolved";
}

/** Null for one that is unknown here, or that retention has removed. */
export async function findConflict(db: Db, id: string): Promise<ConflictRecord | null> {
  const row = await db.conflict.findFirst({ where: { id, deletedAt: null } });
  if (!row) return null;
  const { entityType, entityId, field, strategy, outcome, versions } = row;
  return {
    id,
    entityType,
    entityId,
    field,
    strategy,
    outcome: outcome === "open" ? "open" : "resolved",
    versions: parseVersions(versions),
  };
}

/** What one transaction recorded about a row: its conflicts have the transaction's position. */
export async function conflictsOfWrite(
  db: Db,
  entityType: string,
  entityId: string,
  { origin, position }: WriteMark,
): Promise<ConflictRef[]> {
  const rows = await db.conflict.findMany({
    where: { entityType, entityId, origin, position, deletedAt: null },
    select: { id: true, field: true, outcome: true },
    orderBy: { field: "asc" },
  });
  return rows.map(({ id, field, outcome }) => ({
    id,
    field,
    outcome: outcome === "open" ? "open" : "resolved",
  }));
}

/** Records of a row that one region made, newest first: where a refused write is looked for. */
export async function latestConflicts(
  db: Db,
  entityType: string,
  entityId: string,
  limit = 10,
): Promise<(ConflictRecord & { mark: WriteMark })[]> {
  const rows = await db.conflict.findMany({
    where: { entityType, entityId, deletedAt: null },
    orderBy: [{ detectedAt: "desc" }, { id: "desc" }],
    take: limit,
  });
  return rows.map((row) => ({
    id: row.id,
    entityType,
    entityId,
    field: row.field,
    strategy: row.strategy,
    outcome: row.outcome === "open" ? "open" : "resolved",
    versions: parseVersions(row.versions),
    mark: { origin: row.origin, position: row.position },
  }));
}

/**
 * Records a choice that was not the database's. The same choice made again is the same record.
 *
 * @param parts what its id is made of: see `conflictId`
 */
export async function recordConflict(
  db: Db,
  conflict: {
    entityType: string;
    entityId: string;
    field: string;
    strategy: WriteStrategy;
    outcome: "open" | "resolved";
    versions: readonly ConflictVersion[];
    detectedIn: string;
  },
  parts: readonly string[],
): Promise<{ id: string; mark: WriteMark }> {
  const { versions, ...rest } = conflict;
  const id = conflictId(rest.entityType, rest.entityId, rest.field, parts);
  const select = { origin: true, position: true } as const;
  const data = { id, ...rest, versions: versions.map((version) => ({ ...version })) };
  const [created] = await db.conflict.createManyAndReturn({ data, select, skipDuplicates: true });
  const mark = created ?? (await db.conflict.findUniqueOrThrow({ where: { id }, select }));
  return { id, mark };
}

/** Stores what was decided; of two decisions the later counts. */
export async function recordResolution(
  db: Db,
  resolution: {
    id: string;
    choice: string;
    value: Json;
    writtenClock: VectorClock;
    resolvedBy: string;
  },
): Promise<WriteMark> {
  const { id, ...rest } = resolution;
  const data = {
    ...rest,
    value: rest.value === null ? Prisma.JsonNull : (rest.value as Prisma.InputJsonValue),
    resolvedAt: new Date(),
    deletedAt: null,
  };
  return db.conflictResolution.upsert({
    where: { id },
    create: { id, ...data },
    update: data,
    select: { origin: true, position: true },
  });
}
