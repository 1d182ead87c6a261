import type pg from "pg";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { positionsFromJson, toPosition, type Position } from "@/lib/db/sessions/positions";
import type { Positions, PositionsJson } from "@/lib/db/sessions/positions";
import { systemSleep } from "@/lib/clock";
import { failpoint } from "@/lib/failpoints";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";
import { judgeRound, type Stability, type Verdict } from "./stability";

export interface TombstoneCollectorOptions {
  local: pg.Pool;
  /** Every region by id, this one included. */
  peers: ReadonlyMap<RegionId, pg.Pool>;
  intervalMs?: number;
}

interface Round {
  /** This region's first open transaction when the round began. */
  before: Position;
  actor: Actor;
  heads: Positions;
}

type Complete = Verdict & { kind: "complete" };

interface StabilityRow {
  region: RegionId;
  actor: Actor;
  ready: boolean;
  head: string;
  horizon: string;
  reached: string;
  cursors: PositionsJson;
  pending: string[] | null;
}

/** Rows that one transaction deletes: a longer one would hold back the horizon. */
const CHUNK = 2_000;

/**
 * Deletes tombstones that every region has; see stability.ts. While one region cannot be asked,
 * nothing is deleted. Rounds are kept in memory: a restart costs two of them.
 */
export class TombstoneCollector implements Service {
  readonly name = "tombstone collector";
  private readonly stopping = new AbortController();
  private round: Round | null = null;
  private previous: (Round & { verdict: Complete }) | null = null;

  constructor(private readonly options: TombstoneCollectorOptions) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await systemSleep(this.options.intervalMs ?? 15_000, signal);
      if (signal.aborted) return;
      try {
        const deleted = await this.tick();
        if (deleted > 0) getLogger("collector").info({ deleted }, "tombstones deleted");
      } catch (err) {
        // A region that does not answer holds the tombstones; that is nothing to act upon here.
        getLogger("collector").debug({ err }, "round not continued");
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Begins a round, or sees whether it is complete. Returns the number of rows deleted. */
  async tick(): Promise<number> {
    if (this.round === null) {
      this.round = await this.begin();
      return 0;
    }
    const verdict = judgeRound(this.round.heads, await this.askAll(this.round.heads));
    switch (verdict.kind) {
      case "waiting":
        return 0;
      case "void":
        this.round = this.previous = null;
        return 0;
      case "complete": {
        const { previous, round } = this;
        this.previous = { ...round, verdict };
        this.round = null;
        return previous === null ? 0 : this.collect(previous, verdict);
      }
      default:
        return verdict satisfies never;
    }
  }

  private async begin(): Promise<Round> {
    // First: all that made a row what it is here now must be below the heads that are noted next.
    const { rows } = await this.options.local.query<{ before: string; actor: Actor }>(
      "SELECT mr.horizon()::text AS before, mr.local_actor() AS actor",
    );
    const own = rows[0];
    if (!own) throw new Error("The local database does not answer");
    const answers = await this.askAll(new Map());
    return {
      before: toPosition(own.before),
      actor: own.actor,
      heads: new Map(answers.map(({ actor, head }) => [actor, head])),
    };
  }

  private async askAll(heads: Positions): Promise<Stability[]> {
    const { rows } = await this.options.local.query<{ id: RegionId }>("SELECT id FROM mr.region");
    return Promise.all(rows.map(({ id }) => this.ask(id, heads)));
  }

  private async ask(region: RegionId, heads: Positions): Promise<Stability> {
    const pool = this.options.peers.get(region);
    if (!pool) throw new Error(`${region} is registered and not configured`);
    const { rows } = await pool.query<StabilityRow>({
      name: "mr_stability",
      text: `SELECT region, actor, ready, head::text, horizon::text, reached::text, cursors, pending
             FROM mr.stability($1::jsonb)`,
      values: [JSON.stringify(Object.fromEntries([...heads].map(([a, p]) => [a, p.toString()])))],
    });
    const row = rows[0];
    const cursors = row && positionsFromJson(row.cursors);
    if (row?.region !== region || !cursors)
      throw new Error(`The endpoint of ${region} is another's`);
    return {
      ...row,
      head: toPosition(row.head),
      horizon: toPosition(row.horizon),
      reached: toPosition(row.reached),
      cursors,
    };
  }

  private async collect(
    previous: Round & { verdict: Complete },
    { pending, unsettled }: Complete,
  ): Promise<number> {
    const { verdict, before, actor } = previous;
    const spared = [...new Set([...verdict.pending, ...pending])];
    const actors = [...new Set([...verdict.unsettled, ...unsettled])];
    let sum = 0;
    let deleted = CHUNK;
    while (deleted >= CHUNK && !this.stopping.signal.aborted) {
      const { rows } = await this.options.local.query<{ deleted: number }>(
        "SELECT mr.collect_tombstones($1, $2::bigint, $3, $4::text[], $5::text[]) AS deleted",
        [CHUNK, before.toString(), actor, spared, actors],
      );
      deleted = rows[0]?.deleted ?? 0;
      if (deleted > 0) failpoint("collector:deleted");
      sum += deleted;
    }
    return sum;
  }
}
