import { joinedClock, parseVersions, type Json } from "@/lib/db/conflicts/conflict-record";
import { heldVersions } from "@/lib/db/conflicts/register-versions";
import { parseClock } from "@/lib/db/conflicts/vector-clock";
import { findWritableEntity } from "@/lib/db/conflicts/writable-entities";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { withReadYourWrites, type ConsistentRead } from "@/lib/db/read-your-writes";
import type { Answer } from "@/lib/documents/read";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import {
  countConflictRows,
  findConflictRow,
  listConflictRows,
  namesOf,
  type Scope,
} from "./queries";
import {
  CONFLICT_STATUSES,
  type ConflictCounts,
  type ConflictFilter,
  type ConflictList,
  type ConflictReader,
  type ConflictView,
} from "./types";
import { toConflictItem, toDecision, toVersion, withoutSecrets } from "./views";

const PAGE = 50;
const MAX_PAGE = 200;

const scopeOf = ({ admin, userId }: ConflictReader): Scope => ({
  ownerId: admin ? null : userId,
});

/** What the reader may see, newest first, a page at a time. */
export async function readConflicts(
  reader: ConflictReader,
  filter: ConflictFilter = {},
  residents?: readonly RegionId[],
): Promise<Answer<ConflictList>> {
  const limit = Math.min(Math.max(filter.limit ?? PAGE, 1), MAX_PAGE);
  const scope = scopeOf(reader);
  const { data, receipt } = await withReadYourWrites(
    reader.userId,
    async (db) => {
      const [rows, counts] = await Promise.all([
        listConflictRows(db, scope, { ...filter, limit: limit + 1 }),
        countConflictRows(db, scope, filter),
      ]);
      return { rows, counts };
    },
    { vantage: reader.vantage, token: reader.token, residents },
  );
  const items = data.rows.slice(0, limit).map(toConflictItem);
  const last = items.at(-1);
  const more = data.rows.length > limit && last !== undefined;
  return {
    value: {
      items,
      counts: toCounts(data.counts),
      next: more ? { detectedAt: last.detectedAt, id: last.id } : null,
    },
    receipt,
  };
}

function toCounts(rows: readonly { status: string; count: number }[]): ConflictCounts {
  const of = (status: string) => rows.find((row) => row.status === status)?.count ?? 0;
  return Object.fromEntries(
    CONFLICT_STATUSES.map((status) => [status, of(status)]),
  ) as ConflictCounts;
}

/**
 * For the owner's page of a document: its conflicts, newest first; none for anybody else.
 *
 * @param residents the regions that may have the document; empty for all
 */
export function readDocumentConflicts(
  reader: ConflictReader,
  documentId: string,
  residents: readonly RegionId[] = [],
): Promise<Answer<ConflictList>> {
  const filter = { documentId, limit: 20 };
  return readConflicts(reader, filter, residents.length > 0 ? residents : undefined);
}

/**
 * A record of a row that must not be in the reader's region is in another one, and nothing here says in
 * which: the others are asked in turn.
 */
async function whereItIs<T>(
  reader: ConflictReader,
  read: (db: PrismaClient) => Promise<T>,
  isFound: (data: T) => boolean,
): Promise<ConsistentRead<T>> {
  const { vantage, token } = reader;
  const first = await withReadYourWrites(reader.userId, read, { vantage, token });
  if (isFound(first.data)) return first;
  for (const region of multiRegionDb.from(vantage).regionsInOrder()) {
    if (region === first.regionId) continue;
    const asked = { vantage, token, residents: [region] };
    const other = await withReadYourWrites(reader.userId, read, asked).catch(() => null);
    if (other && isFound(other.data)) return other;
  }
  return first;
}

/**
 * For the page of an article: its conflicts, newest first.
 *
 * @param residents see readDocumentConflicts
 */
export function readArticleConflicts(
  reader: ConflictReader,
  articleId: string,
  residents: readonly RegionId[] = [],
): Promise<Answer<ConflictList>> {
  const filter = { articleId, limit: 20 };
  return readConflicts(reader, filter, residents.length > 0 ? residents : undefined);
}

/** Null where it is unknown or not the reader's to see: a reader can't tell which. */
export async function readConflict(
  reader: ConflictReader,
  id: string,
): Promise<Answer<ConflictView | null>> {
  const { data, receipt } = await whereItIs(
    reader,
    async (db) => {
      const row = await findConflictRow(db, scopeOf(reader), id);
      if (!row) return { row, current: null, names: new Map<string, string>() };
      const entity = findWritableEntity(row.entityType);
      const current = (await entity?.find(db, row.entityId)) ?? null;
      const authors = [
        ...parseVersions(row.versions),
        ...(current ? heldVersions(current, row.field) : []),
      ].flatMap(({ author }) => author ?? []);
      return { row, current, names: await namesOf(db, authors) };
    },
    ({ row }) => row !== null,
  );
  const { row, current, names } = data;
  if (!row) return { value: null, receipt };
  const versions = parseVersions(row.versions);
  const decision = toDecision(row);
  const item = toConflictItem(row);
  return {
    value: {
      ...item,
      versions: versions.map((version) => toVersion(version, names)),
      decision: decision && {
        ...decision,
        value: withoutSecrets(row.value as Json),
        writtenClock: parseClock(row.writtenClock) ?? {},
      },
      current: current && {
        versions: heldVersions(current, row.field).map((version) => toVersion(version, names)),
        clock: current.clock,
        deleted: current.deletedAt !== null,
        title: typeof current.values.title === "string" ? current.values.title : null,
      },
      shown: joinedClock([...versions, ...(current ? [current] : [])]),
    },
    receipt,
  };
}
