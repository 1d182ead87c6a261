import { z } from "zod";
import { TITLE_MAX } from "./types";

/* What of the list of documents is looked at, as it stands in the page's address. */

export const DOCUMENT_SORTS = ["updated", "title", "created"] as const;
export type DocumentSort = (typeof DOCUMENT_SORTS)[number];

/** Documents on a page. */
export const PAGE_SIZE = 25;

const SEARCH_MAX = 200;
/** More words than these are not looked for: each costs a look at every title. */
const WORDS_MAX = 8;

/**
 * A document's place in the order: what it is sorted by (ISO 8601, or a title) and, among equals, its
 * id. It stays a place when that document is changed or deleted meanwhile.
 */
export interface ListCursor {
  key: string;
  id: string;
}

export interface ListQuery {
  /** Every word has to be in the title or the summary. */
  search: string;
  sort: DocumentSort;
  /** From where, and in which direction; null: the first page. */
  from: { towards: "after" | "before"; cursor: ListCursor } | null;
}

export const FIRST_PAGE: ListQuery = { search: "", sort: "updated", from: null };

const storable = (value: string) => !value.includes("\0") && value.isWellFormed();

const input = z.object({
  q: z.string().trim().max(SEARCH_MAX).refine(storable).catch(""),
  sort: z.enum(DOCUMENT_SORTS).catch("updated"),
  after: z.string().max(2_000).optional().catch(undefined),
  before: z.string().max(2_000).optional().catch(undefined),
});

/** A query from a page's address. What is no part of one is left out: the address is anyone's. */
export function parseListQuery(
  params: Readonly<Record<string, string | string[] | undefined>>,
): ListQuery {
  const sent = input.parse(
    Object.fromEntries(
      ["q", "sort", "after", "before"].map((name) => [name, [params[name]].flat()[0]]),
    ),
  );
  const after = parseCursor(sent.after, sent.sort);
  const before = parseCursor(sent.before, sent.sort);
  return {
    search: sent.q,
    sort: sent.sort,
    from: after
      ? { towards: "after", cursor: after }
      : before
        ? { towards: "before", cursor: before }
        : null,
  };
}

/** The address's query of a list; empty for the list as it is at first. */
export function listAddress({ search, sort, from }: ListQuery): string {
  const query = new URLSearchParams();
  if (search) query.set("q", search);
  if (sort !== "updated") query.set("sort", sort);
  if (from) query.set(from.towards, JSON.stringify([sort, from.cursor.key, from.cursor.id]));
  const text = query.toString();
  return text ? `?${text}` : "";
}

export function wordsOf(search: string): string[] {
  return search.split(/\s+/u).filter(Boolean).slice(0, WORDS_MAX);
}

const cursorText = z
  .tuple([
    z.enum(DOCUMENT_SORTS),
    z.string().max(TITLE_MAX).refine(storable),
    z.string().min(1).max(100).refine(storable),
  ])
  .catch(["updated", "", ""]);

/** Null for a cursor of another order, such as one that was left in an address by hand. */
function parseCursor(text: string | undefined, sort: DocumentSort): ListCursor | null {
  if (!text) return null;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const [of, key, id] = cursorText.parse(json);
  if (of !== sort || !id) return null;
  if (sort === "title") return { key, id };
  const date = new Date(key);
  // Of a year that the database has, too.
  if (Number.isNaN(date.getTime()) || !/^\d{4}-/.test(date.toISOString())) return null;
  return { key: date.toISOString(), id };
}
