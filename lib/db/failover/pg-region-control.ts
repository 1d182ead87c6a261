import type pg from "pg";
import { z } from "zod";
import { sqlState } from "@/lib/db/regions/faults";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { mergeRows } from "@/lib/db/replication/repair/transfer";
import { readEntityTypes } from "@/lib/db/replication/store";
import { positionsFromJson, toPosition, type Position } from "@/lib/db/sessions/positions";
import {
  LeaderBusyError,
  type ControlSample,
  type GrantOutcome,
  type HoldOutcome,
  type PromiseOutcome,
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

/** A region's database as the control plane uses it. Never falls back to another region. */
export class PgRegionControl implements RegionControl {
  private types: Promise<ReadonlyMap<string, number>> | undefined;

  /**
   * @param pool as the owner and not through a pooler; its query_timeout bounds every call that
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

  promise(
    epoch: bigint,
    candidate: RegionId,
    attempt: string,
    expected: { actor: Actor; grants: bigint } | null,
  ): Promise<PromiseOutcome> {
    return this.ask("mr.promise_epoch($1::bigint, $2, $3, $4, $5::bigint)", [
      `${epoch}`,
      candidate,
      attempt,
      expected?.actor ?? null,
      expected === null ? null : `${expected.grants}`,
    ]);
  }

  hold(epoch: bigint, start: string, boot: string, leaseMs: number): Promise<HoldOutcome> {
    return this.ask("mr.hold_lease($1::bigint, $2::timestamptz, $3, $4)", [
      `${epoch}`,
      start,
      boot,
      leaseMs,
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

  rowsOf(actor: Actor, after: Position): Promise<RowsPart[]> {
    const text = "SELECT * FROM mr.rows_of_actor($1, $2::bigint)";
    return this.rows(text, [actor, `${after}`], ROWS_MS);
  }

  async merge(parts: readonly RowsPart[]): Promise<void> {
    if (parts.length === 0) return;
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
