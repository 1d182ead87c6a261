import type pg from "pg";
import { z } from "zod";
import { sqlState } from "@/lib/db/regions/faults";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { mergeRows } from "@/lib/db/replication/repair/transfer";
import { readEntityTypes } from "@/lib/db/replication/store";
import {
  positionsFromJson,
  positionsToJson,
  toPosition,
  type Position,
} from "@/lib/db/sessions/positions";
import {
  LeaderBusyError,
  type ControlSample,
  type GrantOutcome,
  type Held,
  type HoldOutcome,
  type LeaseRequest,
  type PromiseAnswer,
  type PromiseRequest,
  type RegionControl,
  type RowsPart,
} from "./region-control";

/** lock_timeout ran out. */
const LOCK_NOT_AVAILABLE = "55P03";

/** Beyond the wait for writes under way: the answer carries rows. */
const ROWS_MS = 3_000;

const whole = z.string().transform((text) => BigInt(text));
const positions = z
  .record(z.string(), z.string())
  .transform((json) => positionsFromJson(json) ?? new Map<Actor, Position>());

const sampleSchema = z.object({
  region: z.string().transform((id) => id as RegionId),
  actor: z.string().transform((id) => id as Actor),
  state: z.enum(["ready", "copying", "restored"]),
  boot: z.string(),
  votes: z.boolean(),
  regions: z.array(z.string().transform((id) => id as RegionId)),
  promisedEpoch: whole,
  promisedTo: z.string(),
  grants: whole,
  epoch: whole,
  leader: z.string(),
  leaderActor: z
    .string()
    .nullable()
    .transform((id) => id as Actor | null),
  leaseEpoch: whole,
  released: whole,
  leading: whole.nullable(),
  heldMs: z.number().nullable(),
  suspects: z.string().nullable(),
  pauseVersion: whole,
  paused: z.boolean(),
  cursors: positions,
  stalled: z.array(z.string()),
  lastEvent: z.string().transform(toPosition),
  request: z.string().nullable(),
  now: z.string(),
});

const promiseSchema: z.ZodType<PromiseAnswer, unknown> = z.union([
  z.object({
    outcome: z.literal("promised"),
    epoch: whole,
    leader: z.string(),
    rows: z.array(
      z.object({
        entity: z.string(),
        events: z.number(),
        payload: z.string().transform((text) => Buffer.from(text, "base64")),
      }),
    ),
  }),
  z.object({ outcome: z.enum(["superseded", "unready", "renewed"]) }),
]);

/** A region's database as the control plane uses it. Never falls back to another region. */
export class PgRegionControl implements RegionControl {
  private types: Promise<ReadonlyMap<string, number>> | undefined;

  /**
   * @param pool as the owner or, but for `merge`, as a peer; not through a pooler. Its query_timeout bounds every call that
   *   moves no rows
   */
  constructor(
    readonly region: RegionId,
    private readonly pool: pg.Pool,
  ) {}

  probe(): Promise<ControlSample> {
    return this.read("mr.probe()");
  }

  sample(): Promise<ControlSample> {
    return this.read("mr.control()");
  }

  grant(epoch: bigint, leader: RegionId, actor: Actor): Promise<GrantOutcome> {
    return this.ask("mr.grant_lease($1::bigint, $2, $3)", [`${epoch}`, leader, actor]);
  }

  async promise({
    epoch,
    candidate,
    attempt,
    expected,
    held,
  }: PromiseRequest): Promise<PromiseAnswer> {
    const { rows } = await this.pool.query<{ answer: string }>({
      text: "CALL mr.promise_and_tell($1::bigint, $2, $3, $4, $5::bigint, $6, $7::jsonb, NULL)",
      values: [
        `${epoch}`,
        candidate,
        attempt,
        expected?.actor ?? null,
        expected === null ? null : `${expected.grants}`,
        held.actor,
        JSON.stringify(positionsToJson(held.cursors)),
      ],
      // Bytes and numbers of 64 bits: read as text.
      types: { getTypeParser: () => (text: string) => text },
      ...{ query_timeout: ROWS_MS },
    });
    return promiseSchema.parse(JSON.parse(rows[0]?.answer ?? "null"));
  }

  hold({ epoch, start, boot, leaseMs, begin }: LeaseRequest): Promise<HoldOutcome> {
    return this.ask("mr.hold_lease($1::bigint, $2::timestamptz, $3, $4, $5)", [
      `${epoch}`,
      start,
      boot,
      leaseMs,
      begin,
    ]);
  }

  async release(epoch: bigint, after: Position, waitMs: number): Promise<RowsPart[]> {
    try {
      return await this.rows(
        "SELECT * FROM mr.release_lease($1::bigint, $2::bigint, $3)",
        [`${epoch}`, `${after}`, waitMs],
        waitMs + ROWS_MS,
      );
    } catch (cause) {
      if (sqlState(cause) === LOCK_NOT_AVAILABLE) throw new LeaderBusyError(this.region, { cause });
      throw cause;
    }
  }

  rowsBeyond({ actor, cursors }: Held): Promise<RowsPart[]> {
    const values = [actor, JSON.stringify(positionsToJson(cursors))];
    return this.rows("SELECT * FROM mr.rows_beyond($1, $2::jsonb)", values, ROWS_MS);
  }

  async merge(parts: readonly RowsPart[]): Promise<void> {
    // Also for nothing: a hand-over merges while nobody leads, and has been prepared by then.
    this.types ??= readEntityTypes(this.pool);
    this.types.catch(() => (this.types = undefined));
    const types = await this.types;
    for (const { entity, events, payload } of parts) {
      await mergeRows(this.pool, types, { entity, count: events, elements: payload });
    }
  }

  async suspect(leader: RegionId | null): Promise<void> {
    await this.pool.query("SELECT mr.suspect($1)", [leader]);
  }

  private async read(call: "mr.probe()" | "mr.control()"): Promise<ControlSample> {
    const { rows } = await this.pool.query<{ sample: string }>(`SELECT ${call}::text AS sample`);
    const sample = sampleSchema.parse(JSON.parse(rows[0]?.sample ?? "null"));
    if (sample.region !== this.region) {
      throw new Error(`This endpoint answers as ${sample.region}, not as ${this.region}`);
    }
    return sample;
  }

  private async ask<T extends string>(call: string, values: unknown[]): Promise<T> {
    const { rows } = await this.pool.query<{ outcome: T }>(`SELECT ${call} AS outcome`, values);
    const outcome = rows[0]?.outcome;
    if (outcome === undefined) throw new Error(`No answer to ${call}`);
    return outcome;
  }

  private async rows(text: string, values: unknown[], timeoutMs: number): Promise<RowsPart[]> {
    const config: pg.QueryConfig = { text, values, ...{ query_timeout: timeoutMs } };
    const { rows } = await this.pool.query<RowsPart & pg.QueryResultRow>(config);
    return rows;
  }
}
