import { randomUUID } from "node:crypto";
import pg from "pg";
import { systemSleep } from "@/lib/clock";
import { openLoop } from "@/lib/open-loop";
import type { PatroniNode } from "./node";

/** Of a write. */
export interface PrimaryWrite {
  id: string;
  node: PatroniNode;
  atMs: number;
}

const WRITE_EVERY_MS = 20;
const MAX_OPEN = 250;
const CLIENT_WAIT_MS = 10_000;
/** Whoever does not answer for so long is asked no more. */
const ANSWER_MS = 500;
const LOOK_EVERY_MS = 20;

interface Primary {
  node: PatroniNode;
  pool: pg.Pool;
}

/**
 * One write every 20 ms, whether or not earlier ones have been answered, through whichever node takes writes: a
 * client with a list of hosts and `target_session_attrs=read-write`, which asks all of them at once and keeps to the
 * one it has found until that fails.
 */
export class PatroniWriter {
  readonly acknowledged: PrimaryWrite[] = [];
  private readonly ended = new AbortController();
  private primary: Primary | undefined;
  private looking: Promise<Primary> | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly nodes: readonly PatroniNode[]) {}

  async start(): Promise<void> {
    const { pool } = await this.findPrimary();
    await pool.query(
      "CREATE TABLE bench_write (id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
    );
    const start = () => this.write();
    const loop = { everyMs: WRITE_EVERY_MS, maxOpen: MAX_OPEN, start };
    this.running = openLoop(loop, this.ended.signal);
  }

  /** Ends it. @returns how many of the writes that were acknowledged the primary does not have */
  async countLost(): Promise<number> {
    this.ended.abort();
    await this.running;
    const { pool } = await this.findPrimary();
    const { rows } = await pool.query<{ id: string }>("SELECT id FROM bench_write");
    const held = new Set(rows.map(({ id }) => id));
    return this.acknowledged.filter(({ id }) => !held.has(id)).length;
  }

  async close(): Promise<void> {
    this.ended.abort();
    await this.running;
    if (this.primary) this.leave(this.primary);
  }

  private async write(): Promise<void> {
    const id = randomUUID();
    const untilMs = performance.now() + CLIENT_WAIT_MS;
    while (performance.now() < untilMs && !this.ended.signal.aborted) {
      const primary = await this.findPrimary().catch(() => undefined);
      if (!primary) return;
      try {
        // Again under the same id: an attempt that was not answered may have been carried out.
        const text = "INSERT INTO bench_write (id) VALUES ($1) ON CONFLICT DO NOTHING";
        await primary.pool.query({ name: "write", text, values: [id] });
        this.acknowledged.push({ id, node: primary.node, atMs: performance.now() });
        return;
      } catch {
        this.leave(primary);
      }
    }
  }

  private leave(primary: Primary): void {
    if (this.primary === primary) this.primary = undefined;
    if (!primary.pool.ending) void primary.pool.end().catch(() => undefined);
  }

  /** One search for all who wait. */
  private async findPrimary(): Promise<Primary> {
    if (this.primary) return this.primary;
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    return this.looking;
  }

  /** For as long as the longest wait of a write: who comes later looks again. */
  private async look(): Promise<Primary> {
    const found = new AbortController();
    const signal = AbortSignal.any([found.signal, AbortSignal.timeout(CLIENT_WAIT_MS)]);
    try {
      const node = await Promise.any(this.nodes.map((each) => untilPrimary(each, signal)));
      return (this.primary = { node, pool: openPool(node.url) });
    } finally {
      found.abort();
    }
  }
}

/** Each host by itself: one that stands still keeps nobody from hearing another. */
async function untilPrimary(node: PatroniNode, signal: AbortSignal): Promise<PatroniNode> {
  while (!signal.aborted) {
    if (await turnsPrimary(node.url, signal)) return node;
    await systemSleep(LOOK_EVERY_MS, signal);
  }
  throw new Error(`${node.name} takes no writes`);
}

/** Asks over one connection, for a new one costs both sides a password. False once it fails. */
async function turnsPrimary(connectionString: string, signal: AbortSignal): Promise<boolean> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: ANSWER_MS,
    query_timeout: ANSWER_MS,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    while (!signal.aborted) {
      const { rows } = await client.query<{ reads: boolean }>(
        "SELECT pg_is_in_recovery() AS reads",
      );
      if (rows[0]?.reads === false) return true;
      await systemSleep(LOOK_EVERY_MS, signal);
    }
    return false;
  } catch {
    return false;
  } finally {
    void client.end().catch(() => undefined);
  }
}

function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({
    ...{ connectionString, max: 10, idleTimeoutMillis: 0 },
    ...{ connectionTimeoutMillis: ANSWER_MS, query_timeout: ANSWER_MS },
  });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}
