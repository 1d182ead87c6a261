import type pg from "pg";
import type { Batch } from "@/lib/db/replication/batch";
import { applyBatch, EVERYBODY, readEntityTypes, readOutbox } from "@/lib/db/replication/store";
import { queryApplied, queryShown } from "@/lib/db/sessions/applied-positions";
import type { Actor } from "@/lib/db/regions/region-id";
import { toPosition } from "@/lib/db/sessions/positions";
import { FIRST_PAGE } from "@/lib/documents/list-query";
import { listDocumentRows } from "@/lib/documents/list-rows";
import { findDocumentRow } from "@/lib/documents/queries";
import { insertDocument } from "@/lib/documents/statements";
import { findRank, listTop } from "@/lib/gaming/statements";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** What a plan is of: something that is done often, or over many rows. */
export interface HotOperation {
  name: string;
  run(): Promise<unknown>;
}

export const DOCUMENTS = 20_000;
const OWNERS = 200;
const OWNER = "owner-7";
const DOCUMENT = "document-7";
const PEER = "eu-west-1" as Actor;

/** That have many rows, so that reading one from end to end is felt. */
export const LARGE_TABLES = ["Document", "PlayerScore", "outbox_Document", "outbox_PlayerScore"];

/** Rows in a transaction: one that is larger than a batch is read whole. */
const AT_ONCE = 200;

/** Rows enough that reading a table from end to end is not the cheapest way, and an outbox full of them. */
export async function fillTables(pool: pg.Pool): Promise<void> {
  for (let first = 1; first <= DOCUMENTS; first += AT_ONCE) {
    const numbers = [first, first + AT_ONCE - 1];
    await pool.query(
      `INSERT INTO "Document" ("id", "title", "content", "ownerId")
       SELECT 'document-' || n, 'Title ' || n, repeat('x', 200), 'owner-' || n % $3::integer
       FROM generate_series($1::integer, $2::integer) n`,
      [...numbers, OWNERS],
    );
    await pool.query(
      `INSERT INTO "PlayerScore" ("id", "name", "regionId", "best")
       SELECT 'player-' || n, 'Player ' || n, mr.local_region(), (n::bigint * 7919 % 1000000) * 2147483648
       FROM generate_series($1::integer, $2::integer) n`,
      numbers,
    );
  }
  await pool.query("VACUUM ANALYZE");
}

/** @param db and pool are of the same database, which has been filled */
export async function hotOperations(db: PrismaClient, pool: pg.Pool): Promise<HotOperation[]> {
  const types = await readEntityTypes(pool);
  const head = async () => {
    const { rows } = await pool.query<{ head: string }>("SELECT mr.last_event()::text AS head");
    return toPosition(rows[0]?.head ?? "0");
  };
  const retitle = (id: string) => ({
    text: `UPDATE "Document" SET "title" = "title" || '.', "updatedBy" = $2 WHERE "id" = $1`,
    values: [id, OWNER],
  });
  const from = await head();
  await pool.query(retitle(DOCUMENT));
  const many = await readOutbox(pool, EVERYBODY, toPosition(0n), 1_000);
  const one = await readOutbox(pool, EVERYBODY, from, 1);
  let applied = toPosition(0n);
  const apply = async (batch: Batch) => {
    const upto = toPosition(applied + 1n);
    const outcome = await applyBatch(pool, types, { ...batch, actor: PEER, prev: applied, upto });
    if (outcome !== "applied") throw new Error(`Not applied: ${outcome}`);
    applied = upto;
  };
  return [
    {
      name: "session read of one document",
      run: () => db.document.findUnique({ where: { id: DOCUMENT } }),
    },
    { name: "a document's page", run: () => findDocumentRow(db, OWNER, DOCUMENT) },
    {
      name: "first page of somebody's documents",
      run: () => listDocumentRows(db, OWNER, FIRST_PAGE),
    },
    { name: "what a region has applied", run: () => queryApplied(db) },
    { name: "what a region shows", run: () => queryShown(db) },
    {
      name: "a document is made",
      run: () =>
        insertDocument(db, {
          userId: OWNER,
          regionId: "us-east-1",
          documentId: `made-${Date.now()}`,
          versionId: `version-${Date.now()}`,
          title: "Made",
          content: "Here.",
        }),
    },
    { name: "a document's title changes", run: () => pool.query(retitle("document-8")) },
    {
      name: "the publisher looks, and finds nothing",
      run: async () => readOutbox(pool, EVERYBODY, await head(), 1_000),
    },
    { name: "the publisher finds one event", run: () => readOutbox(pool, EVERYBODY, from, 1) },
    {
      name: "1,000 events are read",
      run: () => readOutbox(pool, EVERYBODY, toPosition(0n), 1_000),
    },
    { name: "one event is applied", run: () => apply(one) },
    { name: "1,000 events are applied", run: () => apply(many) },
    {
      name: "a region is asked how it is",
      run: async () => pool.query("SELECT * FROM mr.status($1::bigint)", [String(await head())]),
    },
    {
      name: "a vote for the next leader is asked about",
      run: () => pool.query("SELECT mr.probe()"),
    },
    { name: "a lease is looked at", run: () => pool.query("SELECT mr.control()") },
    {
      name: "events that all regions have are dropped",
      run: () => pool.query("SELECT mr.trim_outbox(1000)"),
    },
    { name: "top of the leaderboard", run: () => listTop(db, null, 100) },
    { name: "a player's rank", run: () => findRank(db, "player-7") },
  ];
}
