import type { View } from "./snapshot";

/** A row as one region has it; `hash` covers every column, metadata included. */
export interface RowState {
  id: string;
  hash: string;
  /** The vector clock as PostgreSQL prints it: equal clocks are equal texts. */
  clock: string;
  origin: string;
  /** Length of the row as text. */
  bytes: number;
  /** A tombstone that may be deleted at any time, because every region has it. */
  leaving: boolean;
}

/** A row by id, with its state in each view, in the order of the views; null where it is missing. */
export interface RowStates {
  id: string;
  states: readonly (RowState | null)[];
}

/** Rows of a range, so that one transfer of ids and hashes stays small. */
const RANGE_ROWS = 1_000;

/** Ranges of at most so many rows are listed rather than divided. */
const LISTED_ROWS = 4_000;

interface Range {
  /** Half open, in the order of ids; null is no bound. */
  from: string | null;
  to: string | null;
}

/** Ids of one query. */
const IDS_AT_ONCE = 5_000;

/** Rows that one of the regions must not have are no difference between them. */
function readersOf(views: readonly View[]): string[] {
  return views.map(({ region }) => region);
}

async function bounds(
  view: View,
  readers: readonly string[],
  entity: string,
  { from, to }: Range,
): Promise<string[]> {
  const { rows } = await view.db.query<{ bounds: string[] }>(
    "SELECT mr.range_bounds($1, $2, $3, $4, $5::text[]) AS bounds",
    [entity, from, to, RANGE_ROWS, readers],
  );
  return rows[0]?.bounds ?? [];
}

interface RangeHash {
  bucket: number;
  rows: number;
  hash: string;
}

async function hashes(
  view: View,
  readers: readonly string[],
  entity: string,
  { from, to }: Range,
  dividedAt: readonly string[],
): Promise<ReadonlyMap<number, RangeHash>> {
  const { rows } = await view.db.query<RangeHash>(
    "SELECT bucket, rows::float8 AS rows, hash FROM mr.hash_ranges($1, $2, $3, $4::text[], $5::text[])",
    [entity, from, to, dividedAt, readers],
  );
  return new Map(rows.map((row) => [row.bucket, row]));
}

function differing(lists: readonly (readonly RowState[])[]): RowStates[] {
  const byId = new Map<string, (RowState | null)[]>();
  for (const [index, list] of lists.entries()) {
    for (const row of list) {
      let states = byId.get(row.id);
      if (!states) byId.set(row.id, (states = lists.map(() => null)));
      states[index] = row;
    }
  }
  return [...byId]
    .map(([id, states]) => ({ id, states }))
    .filter(({ states }) => isDifferent(states));
}

export function isDifferent(states: readonly (RowState | null)[]): boolean {
  return states.some((state) => state?.hash !== states[0]?.hash);
}

/** Different, and not merely the same tombstone in some regions that others have deleted already. */
export function isDivergent(states: readonly (RowState | null)[]): boolean {
  const [first, ...others] = states.filter((state) => state !== null);
  const isLeaving = first?.leaving === true && others.every((state) => state.hash === first.hash);
  return isDifferent(states) && !isLeaving;
}

/**
 * Finds the rows of an entity that are not the same in all views, by hashes of ranges of ids, and
 * hands them over range by range. Resolves to the greatest number of rows that a view has.
 */
export async function findDifferences(
  views: readonly View[],
  entity: string,
  onRows: (rows: RowStates[]) => Promise<void> | void,
  range: Range = { from: null, to: null },
): Promise<number> {
  const readers = readersOf(views);
  // The region with the most rows divides the range: whatever the others lack, no part is large.
  const candidates = await Promise.all(views.map((view) => bounds(view, readers, entity, range)));
  const dividedAt = candidates.reduce((a, b) => (b.length > a.length ? b : a));
  const hashed = await Promise.all(
    views.map((view) => hashes(view, readers, entity, range, dividedAt)),
  );
  let total = 0;
  for (let bucket = 0; bucket <= dividedAt.length; bucket++) {
    const parts = hashed.map((byBucket) => byBucket.get(bucket));
    const rows = Math.max(...parts.map((part) => part?.rows ?? 0));
    total += rows;
    const [first] = parts;
    if (parts.every((part) => part?.hash === first?.hash && part?.rows === first?.rows)) continue;
    const part: Range = {
      from: dividedAt[bucket - 1] ?? range.from,
      to: dividedAt[bucket] ?? range.to,
    };
    if (rows > LISTED_ROWS) {
      await findDifferences(views, entity, onRows, part);
      continue;
    }
    const lists = await Promise.all(
      views.map(async (view) => {
        const result = await view.db.query<RowState>(
          "SELECT id, hash, clock, origin, bytes, leaving FROM mr.list_range($1, $2, $3, $4::text[])",
          [entity, part.from, part.to, readers],
        );
        return result.rows;
      }),
    );
    const found = differing(lists);
    if (found.length > 0) await onRows(found);
  }
  return total;
}

/** The present states of some rows, those included that are the same everywhere. */
export async function readStates(
  views: readonly View[],
  entity: string,
  ids: readonly string[],
): Promise<RowStates[]> {
  const readers = readersOf(views);
  const all: RowStates[] = [];
  for (let start = 0; start < ids.length; start += IDS_AT_ONCE) {
    const some = ids.slice(start, start + IDS_AT_ONCE);
    const lists = await Promise.all(
      views.map(async (view) => {
        const { rows } = await view.db.query<RowState>(
          "SELECT id, hash, clock, origin, bytes, leaving FROM mr.list_rows($1, $2::text[], $3::text[])",
          [entity, some, readers],
        );
        return new Map(rows.map((row) => [row.id, row]));
      }),
    );
    all.push(...some.map((id) => ({ id, states: lists.map((list) => list.get(id) ?? null) })));
  }
  return all;
}
