import { createHash } from "node:crypto";
import type pg from "pg";
import { systemSleep, type Sleep } from "@/lib/clock";
import type { VectorClock } from "@/lib/db/conflicts/vector-clock";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";
import { contentOf, docOf, waitingBytes } from "./ytext";

/** Documents that one look takes up at once while it goes through all of them. */
const PAGE = 200;

/** Comparisons of one document in a look that each find another write in between. */
const ATTEMPTS = 4;

export interface MaterialiserOptions {
  /** The region's own database. */
  store: pg.Pool;
  /** Between two looks, in ms. */
  intervalMs?: number;
  sleep?: Sleep;
}

interface Row {
  content: string;
  clock: VectorClock;
  ids: string[] | null;
  updates: Buffer[] | null;
}

/**
 * Brings "Document".content up to the text that a document's updates make. Writers in two regions,
 * or two in one at the same moment, each store the text without the other's update; the updates
 * themselves are all there. Runs in the leading region, so that one region writes it down; were it
 * two for a while, both write the same text.
 */
export class Materialiser implements Service {
  readonly name = "materialiser";
  private readonly stopping = new AbortController();
  private readonly intervalMs: number;
  private readonly sleep: Sleep;
  /** Up to where each actor's updates were looked at; null before the first look as the leader. */
  private seen: Map<string, string> | null = null;
  /** Documents that somebody else kept writing during the last look. */
  private contended = new Set<string>();

  constructor(private readonly options: MaterialiserOptions) {
    this.intervalMs = options.intervalMs ?? 1_000;
    this.sleep = options.sleep ?? systemSleep;
  }

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.sleep(this.intervalMs, signal);
      if (signal.aborted) return;
      try {
        await this.look();
      } catch (err) {
        getLogger("materialiser").debug({ err }, "texts not looked at");
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Writes down the texts that changed since the last look. Returns how many were behind. */
  async look(): Promise<number> {
    const { store } = this.options;
    const leads = await store.query<{ leads: boolean }>(
      "SELECT leader = mr.local_region() AS leads FROM mr.leadership",
    );
    if (!leads.rows[0]?.leads) {
      this.seen = null;
      return 0;
    }
    const shown = await this.shown();
    const ids = this.seen === null ? this.allDocuments() : this.changedDocuments(this.seen, shown);
    const left = this.contended;
    this.contended = new Set();
    let written = 0;
    try {
      for (const id of left) if (await this.settle(id)) written++;
      for await (const id of ids) {
        if (this.stopping.signal.aborted) return written;
        if (!left.has(id) && (await this.settle(id))) written++;
      }
    } catch (error) {
      for (const id of left) this.contended.add(id);
      throw error;
    }
    this.seen = shown;
    return written;
  }

  /** Whoever writes in between may have changed something else than the text: it is compared again. */
  private async settle(id: string): Promise<boolean> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = await this.materialise(id);
      if (outcome !== "contended") return outcome === "written";
    }
    this.contended.add(id);
    return false;
  }

  /** Positions below which no update can appear any more, by actor. */
  private async shown(): Promise<Map<string, string>> {
    const { rows } = await this.options.store.query<{ actor: string; position: string }>(
      `SELECT s.actor, (CASE WHEN s.actor = mr.local_actor()
         THEN least(s.position, mr.horizon() - 1) ELSE s.position END)::text AS position
       FROM mr.shown() s`,
    );
    return new Map(rows.map(({ actor, position }) => [actor, position]));
  }

  private async *changedDocuments(
    seen: ReadonlyMap<string, string>,
    shown: ReadonlyMap<string, string>,
  ): AsyncGenerator<string> {
    const moved = [...shown].filter(([actor, position]) => seen.get(actor) !== position);
    if (moved.length === 0) return;
    const { rows } = await this.options.store.query<{ id: string }>(
      `SELECT DISTINCT u."documentId" AS id FROM unnest($1::text[], $2::bigint[]) s (actor, position)
       JOIN "DocumentUpdate" u ON u."origin" = s.actor AND u."position" > s.position`,
      [moved.map(([actor]) => actor), moved.map(([actor]) => seen.get(actor) ?? "0")],
    );
    yield* rows.map(({ id }) => id);
  }

  private async *allDocuments(): AsyncGenerator<string> {
    let after = "";
    for (;;) {
      const { rows } = await this.options.store.query<{ id: string }>(
        `SELECT DISTINCT "documentId" AS id FROM "DocumentUpdate"
         WHERE "documentId" > $1 ORDER BY "documentId" LIMIT $2`,
        [after, PAGE],
      );
      yield* rows.map(({ id }) => id);
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) return;
      after = last.id;
    }
  }

  private async materialise(id: string): Promise<"written" | "equal" | "contended"> {
    const { store } = this.options;
    const { rows } = await store.query<Row>(
      `SELECT d."content", d."clock", u.ids, u.updates FROM "Document" d,
         LATERAL (SELECT array_agg(u."id" ORDER BY u."hlc", u."origin" COLLATE "C", u."id" COLLATE "C") AS ids,
             array_agg(u."update" ORDER BY u."hlc", u."origin" COLLATE "C", u."id" COLLATE "C") AS updates
           FROM "DocumentUpdate" u WHERE u."documentId" = d."id" AND u."deletedAt" IS NULL) u
       WHERE d."id" = $1`,
      [id],
    );
    const row = rows[0];
    if (!row?.ids || !row.updates) return "equal";
    const doc = docOf(row.updates.map((update) => new Uint8Array(update)));
    const text = contentOf(doc).toString();
    // A part of it is still on its way: what is shown is what it makes, but it is not written down.
    if (text === row.content || waitingBytes(doc) > 0) return "equal";
    const head = createHash("sha256")
      .update([...row.ids].sort().join("|"))
      .digest("hex");
    // A deleted document too: what is brought back has the text that was written meanwhile.
    const written = await store.query(
      `UPDATE "Document" SET "content" = $2, "contentHead" = $3, "clock" = $4::jsonb
       WHERE "id" = $1 AND "clock" = $4::jsonb`,
      [id, text, `text:${head.slice(0, 40)}`, JSON.stringify(row.clock)],
    );
    return written.rowCount === 1 ? "written" : "contended";
  }
}
