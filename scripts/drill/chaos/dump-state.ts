import type pg from "pg";
import { readAttempts } from "@/lib/db/failover/history";
import { fromBase64 } from "@/lib/documents/text/text-state";
import { textOf } from "@/lib/documents/text/ytext";
import { findInFiles, findInTables } from "@/scripts/drill/find-bytes";
import type { DrillRegion } from "@/scripts/drill/planet-runtime";
import type { Clock } from "./calls";
import type { Inventory, RegionState, StateRow, StoredTransfer } from "./region-state";
import { BANK_USER } from "./workloads/bank";
import { PRODUCT, STOCK } from "./workloads/inventory";
import { REGISTER } from "./workloads/register";
import { ROWS_OWNER } from "./workloads/rows";
import { countIn, SESSION } from "./workloads/sessions";
import { ELEMENT, SET_OWNER } from "./workloads/set";
import { linesOf, TEXT_OWNER } from "./workloads/text";

/** Longer than any drill lasts. */
const ATTEMPTS = 1_000;

/** Not the rows of a document that may be in some regions alone, nor what tells of them. */
const EVERYWHERE: Readonly<Record<string, string>> = {
  Document: unplaced("t.id"),
  DocumentUpdate: unplaced(`t."documentId"`),
  DocumentVersion: unplaced(`t."documentId"`),
  Collaborator: unplaced(`t."documentId"`),
  Conflict: "t.placement IS NULL",
  User: "true",
  Placement: "true",
  Product: "true",
  Reservation: "true",
  LedgerTransfer: "true",
};

function unplaced(id: string): string {
  return `NOT EXISTS (SELECT FROM "Placement" p
    WHERE p.entity = 'Document' AND p."entityId" = ${id} AND p.regions <> '{}')`;
}

/** What all regions have to have, row by row. A tombstone is none: each region drops it in its own time. */
export async function dumpRows(pool: pg.Pool): Promise<StateRow[]> {
  const parts = Object.entries(EVERYWHERE).map(
    ([entity, where]) =>
      `SELECT '${entity}' AS entity, t.id, md5(to_jsonb(t)::text) AS digest
       FROM "${entity}" t WHERE t."deletedAt" IS NULL AND ${where}`,
  );
  const { rows } = await pool.query<StateRow>(`${parts.join(" UNION ALL ")} ORDER BY entity, id`);
  return rows;
}

/** @param canaries texts that were written, wherever they may be */
export async function dumpState(
  { id, pool }: DrillRegion,
  canaries: ReadonlyMap<string, readonly string[]>,
): Promise<RegionState> {
  const elements = await column(
    pool,
    `SELECT id AS value FROM "User" WHERE id LIKE '${ELEMENT}-%' AND "deletedAt" IS NULL
     UNION ALL SELECT title FROM "Document" WHERE "ownerId" IN ($1, $2) AND "deletedAt" IS NULL`,
    [SET_OWNER, ROWS_OWNER],
  );
  const insertedIds = await column(
    pool,
    `SELECT id AS value FROM "Document" WHERE "ownerId" = $1 AND "deletedAt" IS NULL`,
    [ROWS_OWNER],
  );
  const parked = await column(
    pool,
    `SELECT DISTINCT entity || '/' || entity_id AS value FROM mr.dead_letter WHERE open`,
  );
  const registers = await pool.query<{ id: string; name: string }>(
    `SELECT id, name FROM "User" WHERE id LIKE '${REGISTER}-%'`,
  );
  const stranded = await pool.query<{ name: string; outcome: string }>(
    `SELECT entity || '/' || entity_id AS name, outcome FROM mr.stranded_write`,
  );
  return {
    region: id,
    rows: await dumpRows(pool),
    elements,
    insertedIds,
    parked,
    registers: Object.fromEntries(registers.rows.map(({ id: key, name }) => [key, name])),
    stranded: Object.fromEntries(stranded.rows.map(({ name, outcome }) => [name, outcome])),
    sessions: await dumpSessions(pool),
    texts: await dumpTexts(pool),
    inventory: await dumpInventory(pool),
    promotions: await dumpPromotions(pool),
    canaries: await dumpCanaries(id, pool, canaries),
    ...(await dumpBank(pool)),
  };
}

async function column(pool: pg.Pool, text: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await pool.query<{ value: string }>(text, values);
  return rows.map(({ value }) => value);
}

async function dumpSessions(pool: pg.Pool): Promise<RegionState["sessions"]> {
  const { rows } = await pool.query<{ session: string; title: string; clock: Clock }>(
    `SELECT "ownerId" AS session, title, clock FROM "Document"
     WHERE "ownerId" LIKE '${SESSION}-%' AND "deletedAt" IS NULL`,
  );
  return Object.fromEntries(
    rows.map(({ session, title, clock }) => [session, { count: countIn(title), clock }]),
  );
}

async function dumpTexts(pool: pg.Pool): Promise<RegionState["texts"]> {
  const { rows } = await pool.query<{ id: string; updates: string[] }>(
    `SELECT d.id, (SELECT coalesce(jsonb_agg(translate(encode(u.update, 'base64'), E'\\n', '')
         ORDER BY u.hlc, u.origin COLLATE "C", u.id COLLATE "C"), '[]')
       FROM "DocumentUpdate" u WHERE u."documentId" = d.id AND u."deletedAt" IS NULL) AS updates
     FROM "Document" d WHERE d."ownerId" = $1`,
    [TEXT_OWNER],
  );
  return Object.fromEntries(
    rows.map(({ id, updates }) => [id, linesOf(textOf(updates.map(fromBase64)))]),
  );
}

async function dumpBank(pool: pg.Pool): Promise<Pick<RegionState, "transfers" | "balances">> {
  const { rows: transfers } = await pool.query<StoredTransfer>(
    `SELECT key, "debitAccount" AS debit, "creditAccount" AS credit, "amountMinor"::integer AS amount
     FROM "LedgerTransfer" WHERE "userId" = $1 ORDER BY key`,
    [BANK_USER],
  );
  const { rows: kept } = await pool.query<{ account: string; balance: number }>(
    `SELECT account, sum(debits - credits)::integer AS balance FROM mr.ledger_balance GROUP BY account`,
  );
  const balances = Object.fromEntries(kept.map(({ account, balance }) => [account, balance]));
  return { transfers, balances };
}

async function dumpInventory(pool: pg.Pool): Promise<Inventory[]> {
  const { rows: products } = await pool.query<Omit<Inventory, "stock" | "reservations">>(
    `SELECT id AS product, stock AS free, mr.rights_by_actor(merge, 'stock', stock, origin) AS rights
     FROM "Product" WHERE starts_with(id, $1) ORDER BY id`,
    [PRODUCT],
  );
  return Promise.all(
    products.map(async (product) => {
      const { rows: reservations } = await pool.query<Inventory["reservations"][number]>(
        `SELECT id, key, quantity, status FROM "Reservation" WHERE "productId" = $1 ORDER BY id`,
        [product.product],
      );
      return { ...product, stock: STOCK, reservations };
    }),
  );
}

async function dumpPromotions(pool: pg.Pool): Promise<RegionState["promotions"]> {
  const promotions: Record<string, string[]> = {};
  for (const { epoch, to, status } of await readAttempts(pool, ATTEMPTS)) {
    if (status === "completed" && epoch !== null) (promotions[String(epoch)] ??= []).push(to);
  }
  return promotions;
}

/** In all tables; and byte by byte in all files of a database that must not have them, its log of writes included. */
async function dumpCanaries(
  region: string,
  pool: pg.Pool,
  canaries: ReadonlyMap<string, readonly string[]>,
): Promise<RegionState["canaries"]> {
  const texts = [...canaries.keys()];
  const found = await findInTables(pool, texts);
  const foreign = texts.filter((text) => !canaries.get(text)!.includes(region));
  await pool.query("CHECKPOINT");
  const folders = await column(
    pool,
    `SELECT current_setting('data_directory') AS value
     UNION ALL SELECT l FROM pg_tablespace, pg_tablespace_location(oid) l WHERE l <> ''`,
  );
  const files = await Promise.all(folders.map((folder) => findInFiles(folder, foreign)));
  const inFiles = (text: string) => files.flatMap((each) => each.found.get(text) ?? []);
  return Object.fromEntries(
    texts.map((text) => [text, [...(found.get(text) ?? []), ...inFiles(text)]]),
  );
}
