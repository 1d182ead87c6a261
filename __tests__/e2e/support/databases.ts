import pg from "pg";
import { waitFor } from "@/__tests__/support/wait-for";
import type { ClusterFile } from "@/scripts/local/planet-files";
import { PATIENCE } from "./serverless";

const TABLES = [
  "User",
  "Document",
  "Collaborator",
  "DocumentVersion",
  "DocumentUpdate",
  "Conflict",
  "ConflictResolution",
  "LabRow",
  "Product",
  "Reservation",
  "PlayerScore",
  "Placement",
  "Profile",
  "Order",
  "LedgerTransfer",
  "ContentItem",
  "ContentVersion",
] as const;

export interface StoredDocument {
  region: string;
  title: string;
  summary: string;
  content: string;
  origin: string;
  deleted: boolean;
}

/** What the regions' databases hold, asked past the links and past the app. */
export class Databases {
  private readonly pools: ReadonlyMap<string, pg.Pool>;

  constructor(regions: ClusterFile["regions"]) {
    this.pools = new Map(
      regions.map(({ id, directUrl }) => {
        const pool = new pg.Pool({ connectionString: directUrl, max: 2 });
        pool.on("error", () => undefined); // a region is taken down on purpose
        return [id, pool];
      }),
    );
  }

  /** Every row of every table that is not deleted, by region: tombstones are collected at a time of their own. */
  private contents(): Promise<string[]> {
    const hashes = TABLES.map(
      (name) =>
        `(SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY id), '')) FROM "${name}" t WHERE "deletedAt" IS NULL)`,
    ).join(" || ");
    return Promise.all(
      [...this.pools.values()].map(async (pool) => {
        const { rows } = await pool.query<{ hash: string }>(`SELECT ${hashes} AS hash`);
        return rows[0]!.hash;
      }),
    );
  }

  /** Documents that somebody has, written past the app in one region; the others receive them. */
  async addDocuments(ownerEmail: string, titles: readonly string[]): Promise<void> {
    await this.pools.get("us-east-1")!.query(
      `INSERT INTO "Document" (title, content, "ownerId", "createdAt", "updatedAt")
       SELECT t.title, 'Text of ' || t.title, u.id, now() - t.n * interval '1 hour',
         now() - t.n * interval '1 min'
       FROM unnest($2::text[]) WITH ORDINALITY t(title, n), "User" u WHERE u.email = $1`,
      [ownerEmail, titles],
    );
  }

  /** Waits until all regions hold the same, and returns a digest of it. */
  async settled(): Promise<string> {
    return waitFor(
      async () => {
        const [first, ...others] = await this.contents();
        return others.every((other) => other === first) && first;
      },
      { what: "all regions to hold the same rows", timeoutMs: PATIENCE * 20_000 },
    );
  }

  /** The document as each region has it; regions that lack it are left out. */
  async document(id: string): Promise<StoredDocument[]> {
    const found = await Promise.all(
      [...this.pools].map(async ([region, pool]) => {
        const { rows } = await pool.query<Omit<StoredDocument, "region">>(
          `SELECT title, summary, content, origin, "deletedAt" IS NOT NULL AS deleted FROM "Document" WHERE id = $1`,
          [id],
        );
        return rows.map((row) => ({ region, ...row }));
      }),
    );
    return found.flat();
  }

  /** Waits until every region holds this of the document. */
  async documentBecomes(
    id: string,
    wanted: Partial<Pick<StoredDocument, "title" | "summary" | "content">>,
  ): Promise<void> {
    let held: StoredDocument[] = [];
    const is = (stored: StoredDocument) =>
      Object.entries(wanted).every(([name, value]) => stored[name as "title"] === value);
    await waitFor(
      async () => (held = await this.document(id)).length === this.pools.size && held.every(is),
      { what: `every region to hold ${JSON.stringify(wanted)}`, timeoutMs: 20_000 },
    ).catch((cause: unknown) => {
      throw new Error(`The regions hold ${JSON.stringify(held)}.`, { cause });
    });
  }

  async rows<R extends pg.QueryResultRow>(
    region: string,
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<R[]> {
    const pool = this.pools.get(region);
    if (!pool) throw new Error(`There is no region ${region}.`);
    return (await pool.query<R>(sql, [...values])).rows;
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.values()].map((pool) => pool.end()));
  }
}
