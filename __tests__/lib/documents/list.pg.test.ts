import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDomain, type TestDomain } from "@/__tests__/lib/documents/domain";
import { waitFor } from "@/__tests__/support/wait-for";
import { FIRST_PAGE, DOCUMENT_SORTS, PAGE_SIZE, type ListQuery } from "@/lib/documents/list-query";
import { listStatement } from "@/lib/documents/list-rows";
import { readDocuments } from "@/lib/documents/read";
import type { Actor, DocumentListItem } from "@/lib/documents/types";
import { createDocument } from "@/lib/documents/write";

const MANY = 10_000;
/** Each more than what somebody would notice, on a machine that does other things too. */
const QUICK_MS = 150;

let domain: TestDomain;
let owner: Actor;
let other: Actor;

beforeAll(async () => {
  domain = await startDomain();
  owner = await domain.addUser("owner");
  other = await domain.addUser("other");
  // Ten of each instant, so that a page ends among equals.
  await domain.rows(
    `INSERT INTO "Document" (id, title, summary, content, "ownerId", "createdAt", "updatedAt")
     SELECT 'many-' || n, 'Title ' || (n * 7919 % ${MANY}), CASE WHEN n = 4711 THEN 'A needle' ELSE '' END,
       repeat('text ', 400), $1, timestamptz '2026-01-01' + n / 10 * interval '1 min',
       timestamptz '2026-06-01' + (n * 31 % ${MANY}) / 10 * interval '1 min'
     FROM generate_series(1, ${MANY}) n`,
    [owner.userId],
  );
  await domain.rows('ANALYZE "Document"');
  // Only here, so reads have to say that they need it: a region that answers late is passed over.
  const positions = await waitFor(async () => {
    const last = await createDocument(other, { title: "Last", content: "" });
    return last.ok && last.receipt.regionId === "us-east-1" && last.open;
  });
  for (const actor of [owner, other]) actor.token = { kind: "valid", positions };
}, 240_000);
afterAll(() => domain.close());

const read = async (query: Partial<ListQuery>, actor = owner) =>
  (await readDocuments(actor, { ...FIRST_PAGE, ...query })).value;

/** From the first page to the last, or back; `between` happens after each. */
async function walk(
  query: Partial<ListQuery>,
  between: (page: number) => Promise<unknown> = async () => undefined,
  pages = Infinity,
): Promise<DocumentListItem[]> {
  const seen: DocumentListItem[] = [];
  let from: ListQuery["from"] = query.from ?? null;
  for (let page = 1; page <= pages; page++) {
    const { items, next } = await read({ ...query, from });
    seen.push(...items);
    if (!next) break;
    await between(page);
    from = { towards: "after", cursor: next };
  }
  return seen;
}

describe("paging through 10,000 documents", () => {
  it.each(DOCUMENT_SORTS)("shows each once, in order: %s", async (sort) => {
    const seen = await walk({ sort });
    expect(new Set(seen.map(({ id }) => id)).size).toBe(MANY);
    expect(seen).toHaveLength(MANY);
    const keys = seen.map((item) =>
      sort === "title"
        ? item.title.toLowerCase()
        : sort === "updated"
          ? item.updatedAt
          : item.createdAt,
    );
    expect(keys).toEqual(sort === "title" ? [...keys].sort() : [...keys].sort().reverse());
  });

  it.each(DOCUMENT_SORTS)("goes back the way it came: %s", async (sort) => {
    const first = await read({ sort });
    const second = await read({ sort, from: { towards: "after", cursor: first.next! } });
    const third = await read({ sort, from: { towards: "after", cursor: second.next! } });
    expect(first.previous).toBeNull();
    const back = await read({ sort, from: { towards: "before", cursor: third.previous! } });
    expect(back.items).toEqual(second.items);
    const start = await read({ sort, from: { towards: "before", cursor: back.previous! } });
    expect(start.items).toEqual(first.items);
    expect(start.previous).toBeNull();
    expect(start.next).toEqual(first.next);
  });

  it("neither repeats nor skips what was there while others are written and deleted", async () => {
    const before = (await walk({}, undefined, 8)).map(({ id }) => id);
    let added = 0;
    const seen = await walk(
      {},
      (page) =>
        domain.rows(
          `WITH gone AS (UPDATE "Document" SET "deletedAt" = now() WHERE id = $3 RETURNING id)
           INSERT INTO "Document" (id, title, "ownerId", "createdAt", "updatedAt")
           SELECT 'new-' || n, 'New', $1, now(), CASE n % 3
             WHEN 0 THEN now() WHEN 1 THEN timestamptz '2026-06-07' ELSE timestamptz '2026-01-01' END
           FROM generate_series($2::int, $2::int + 9) n`,
          // The last of the page that was just read: its place stays one.
          [owner.userId, (added += 10), before[page * PAGE_SIZE - 1]],
        ),
      8,
    );
    const old = seen.map(({ id }) => id).filter((id) => !id.startsWith("new-"));
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    expect(old).toEqual(before.slice(0, old.length));
    expect(old.length).toBeGreaterThan(6 * PAGE_SIZE);
    await domain.rows(`UPDATE "Document" SET "deletedAt" = NULL WHERE id = ANY ($1)`, [before]);
    await domain.rows(`UPDATE "Document" SET "deletedAt" = now() WHERE id LIKE 'new-%'`);
  });
});

describe("the cost of a page among 10,000", () => {
  const deep = (sort: ListQuery["sort"]): ListQuery => ({
    search: "",
    sort,
    from: {
      towards: "after",
      cursor: {
        key: sort === "title" ? "Title 5000" : "2026-06-04T00:00:00.000Z",
        id: "many-1",
      },
    },
  });

  it.each([
    ["updated", "Document_ownerId_updatedAt_idx"],
    ["created", "Document_ownerId_createdAt_idx"],
    ["title", "Document_ownerId_lower_title_idx"],
  ] as const)("is a scan of an index from where it begins: %s", async (sort, index) => {
    for (const query of [{ ...FIRST_PAGE, sort }, deep(sort)]) {
      const { sql, values } = listStatement(owner.userId, query);
      const numbered = sql.replaceAll(
        "?",
        (
          (n) => () =>
            `$${++n}`
        )(0),
      );
      const plan = await domain.rows<{ "QUERY PLAN": string }>(
        `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ${numbered}`,
        values,
      );
      const text = plan.map((row) => row["QUERY PLAN"]).join("\n");
      expect(text).toContain(index);
      expect(text).not.toContain('Seq Scan on "Document"');
      // Not 10,000 read and sorted: a page, and the equals at its end.
      const scan = new RegExp(`${index}.*rows=(\\d+)`).exec(text);
      expect(Number(scan?.[1]), text).toBeLessThan(PAGE_SIZE + 15);
    }
  });

  it("is not felt, even of a search that finds one or none", async () => {
    const queries: ListQuery[] = [
      ...DOCUMENT_SORTS.flatMap((sort) => [{ ...FIRST_PAGE, sort }, deep(sort)]),
      { ...FIRST_PAGE, search: "needle" },
      { ...FIRST_PAGE, search: "not in any of them" },
    ];
    for (const query of queries) {
      const times: number[] = [];
      for (let n = 0; n < 5; n++) {
        const started = performance.now();
        await read(query);
        times.push(performance.now() - started);
      }
      const median = times.sort((a, b) => a - b)[2]!;
      console.log(
        `${query.sort} ${query.search || "-"}${query.from ? ", deep" : ""}: ${median.toFixed(1)} ms`,
      );
      expect(median).toBeLessThan(QUICK_MS);
    }
  });
});

describe("searching", () => {
  const titles = async (search: string, actor = owner) =>
    (await read({ search }, actor)).items.map(({ title }) => title);

  it("finds every word in title or summary, whatever their case and order", async () => {
    expect(await titles("NEEDLE title")).toHaveLength(1);
    expect(await titles("needle nothing")).toEqual([]);
    expect(await titles("title 1234")).toEqual(["Title 1234"]);
  });

  it("takes what is typed for text", async () => {
    for (const search of ["%", "_", "\\", "' OR true --", "$1", "?"]) {
      expect(await titles(search), search).toEqual([]);
    }
  });

  it("finds what is shared, and nothing of anyone else's", async () => {
    expect(await titles("title", other)).toEqual([]);
    await domain.rows(
      `INSERT INTO "Collaborator" (id, "documentId", "userId", role) VALUES ('s1', 'many-4711', $1, 'viewer')`,
      [other.userId],
    );
    const { items, next, previous } = await read({ search: "needle" }, other);
    expect(items.map(({ id, access }) => [id, access])).toEqual([["many-4711", "viewer"]]);
    expect([next, previous]).toEqual([null, null]);
  });
});
