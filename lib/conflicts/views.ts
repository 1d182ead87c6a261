import type { ConflictVersion, Json } from "@/lib/db/conflicts/conflict-record";
import { hlcMs, toHlc } from "@/lib/db/conflicts/hlc";
import type { Person } from "@/lib/documents/types";
import type { ConflictRow } from "./queries";
import type { ConflictDecision, ConflictItem, VersionInConflict } from "./types";

type Names = ReadonlyMap<string, string>;

/** Columns that nobody is shown, whatever row they were recorded with. */
const SECRETS = new Set(["passwordHash", "addressKey"]);

export function toConflictItem(row: ConflictRow): ConflictItem {
  const { id, entityType, entityId, field, strategy, status, detectedIn } = row;
  return {
    id,
    entityType,
    entityId,
    field,
    strategy,
    status,
    versions: row.versionCount,
    detectedAt: row.detectedAt.toISOString(),
    detectedIn,
    document:
      row.documentId === null
        ? null
        : {
            id: row.documentId,
            title: row.documentTitle ?? "",
            deleted: row.documentDeleted ?? false,
          },
    article: row.articleTitle === null ? null : { id: row.entityId, title: row.articleTitle },
    decision: toDecision(row),
  };
}

export function toDecision(row: ConflictRow): ConflictDecision | null {
  const { choice, resolvedBy, resolverName, resolvedAt } = row;
  if (choice === null || resolvedBy === null || resolvedAt === null) return null;
  const by = { userId: resolvedBy, name: resolverName };
  return { choice, by, at: resolvedAt.toISOString() };
}

export function toVersion(version: ConflictVersion, names: Names): VersionInConflict {
  return {
    ...version,
    value: withoutSecrets(version.value),
    author: version.author === null ? null : toPerson(version.author, names),
    at: new Date(hlcMs(toHlc(version.hlc))).toISOString(),
  };
}

export function toPerson(userId: string, names: Names): Person {
  return { userId, name: names.get(userId) ?? null };
}

export function withoutSecrets(value: Json): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([column]) => !SECRETS.has(column)));
}
