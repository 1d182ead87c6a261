import type { RegionId } from "@/lib/db/regions/region-id";
import { within } from "@/lib/db/regions/faults";
import { queryApplied, queryShown } from "@/lib/db/sessions/applied-positions";
import { fromBase64 } from "@/lib/documents/text/text-state";
import { textOf } from "@/lib/documents/text/ytext";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import type { AcknowledgedWrite, RegionAnswer } from "./ledger";

/** A region that takes longer cannot be asked now. */
const ANSWER_MS = 2_000;

/**
 * Looks for writes in one region. Cursors are read first and heads last, each in a snapshot of its own:
 * the other way round a row that arrives in between would look as if it had been lost.
 *
 * @param db reaches the region from itself, so that a cut link does not keep the question from it
 * @param documents ids of the documents in which the lines are
 */
export async function askRegion(
  db: PrismaClient,
  writes: readonly AcknowledgedWrite[],
  documents: readonly string[],
): Promise<RegionAnswer | null> {
  try {
    return await within(ANSWER_MS, look(db, writes, documents));
  } catch {
    // Whatever the reason: it could not be asked, and that is what is shown.
    return null;
  }
}

async function look(
  db: PrismaClient,
  writes: readonly AcknowledgedWrite[],
  documents: readonly string[],
): Promise<RegionAnswer> {
  const applied = await queryApplied(db);
  const found = new Set<string>();
  const parked = new Set<string>();
  const versions = new Map<string, string>();
  const rows = writes.filter(({ kind }) => kind === "row").map(({ id }) => id);
  for (const row of rows.length > 0 ? await findRows(db, rows) : []) {
    if (row.version !== null) versions.set(row.id, row.version);
    if (row.parked) parked.add(row.id);
    if (row.version !== null || row.parked) found.add(row.id);
  }
  const texts: string[] = [];
  for (const document of documents.length > 0 ? await findDocuments(db, documents) : []) {
    versions.set(document.id, document.version);
    texts.push(textOf(document.updates.map(fromBase64)));
  }
  const text = texts.join("\n");
  for (const { id, kind } of writes) if (kind === "line" && text.includes(id)) found.add(id);
  return { applied, found, parked, versions, shown: await queryShown(db) };
}

interface FoundRow {
  id: string;
  version: string | null;
  parked: boolean;
}

function findRows(db: PrismaClient, ids: readonly string[]): Promise<FoundRow[]> {
  return db.$queryRaw<FoundRow[]>`
    SELECT i.id, md5(r."clock"::text) AS version,
      r."id" IS NULL AND mr.is_pending('LabRow', i.id) AS parked
    FROM unnest(${[...ids]}::text[]) i (id) LEFT JOIN "LabRow" r ON r."id" = i.id`;
}

interface FoundDocument {
  id: string;
  version: string;
  updates: string[];
}

/** The version is what merging decides about: the clock, the registers and the live updates. */
function findDocuments(db: PrismaClient, ids: readonly string[]): Promise<FoundDocument[]> {
  return db.$queryRaw<FoundDocument[]>`
    SELECT d."id", md5(concat(d."clock", d."title", d."summary", d."deletedAt", u.ids)) AS version,
      u.updates
    FROM "Document" d, LATERAL (
      SELECT string_agg(u."id", ' ' ORDER BY u."id" COLLATE "C") AS ids,
        coalesce(jsonb_agg(translate(encode(u."update", 'base64'), E'\n', '')
          ORDER BY u."hlc", u."origin" COLLATE "C", u."id" COLLATE "C"), '[]') AS updates
      FROM "DocumentUpdate" u WHERE u."documentId" = d."id" AND u."deletedAt" IS NULL) u
    WHERE d."id" = ANY (${[...ids]}::text[])`;
}

/** One region's own account of whether it leads. */
export type LeaderAnswer =
  { kind: "leads"; epoch: bigint } | { kind: "follows" } | { kind: "unknown" };

export type AskLeader = (region: RegionId) => Promise<LeaderAnswer>;

/** Rejects where the region does not answer. */
export async function askWhetherLeading(db: PrismaClient): Promise<LeaderAnswer> {
  const rows = await db.$queryRaw<{ epoch: string | null }[]>`SELECT mr.leading()::text AS epoch`;
  const epoch = rows[0]?.epoch ?? null;
  return epoch === null ? { kind: "follows" } : { kind: "leads", epoch: BigInt(epoch) };
}
