import type pg from "pg";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Attempt } from "./attempt";
import type { Promote, RequestRefusal } from "./decide";
import type { RegionView } from "./facts";
import { ended, putAttempt, readAttempt, readAttempts } from "./history";
import type { AskedAttempt, AttemptHistory, AttemptRecord } from "./leadership-loop";

/** What a region that was away is told of the history. */
const RECENT_ATTEMPTS = 20;

/** The attempts of one region's worker: written in its own database, then told to all others. */
export class PgAttemptHistory implements AttemptHistory {
  private readonly own: pg.Pool;
  /** Regions that may lack part of the history. */
  private readonly untold = new Set<RegionId>();
  private telling = false;
  /** Attempts whose last write is under way. */
  private readonly unwritten = new Set<Promise<unknown>>();

  constructor(
    private readonly region: RegionId,
    private readonly pools: ReadonlyMap<RegionId, pg.Pool>,
  ) {
    const own = pools.get(region);
    if (!own) throw new RangeError(`No pool of ${region}`);
    this.own = own;
  }

  async asked(id: string): Promise<Attempt | null> {
    const asked = await readAttempt(this.own, id);
    return asked?.status === "initiated" ? asked : null;
  }

  begin(asked: AskedAttempt, plan: Promote): AttemptRecord {
    let attempt = this.begun(asked, plan);
    // Its writes go in order over one chain.
    let writing: Promise<unknown> = putAttempt(this.own, attempt).catch(() => undefined);
    const write = (next: Attempt) => {
      attempt = next;
      writing = writing.then(() => putAttempt(this.own, next)).catch(() => undefined);
    };
    return {
      step: (step) => write({ ...attempt, steps: [...attempt.steps, step] }),
      end: (result) => {
        write(ended(attempt, result, new Date().toISOString()));
        const done = attempt;
        const written = writing;
        this.unwritten.add(written);
        void written.then(() => {
          this.unwritten.delete(written);
          return this.tellAll(done);
        });
      },
    };
  }

  /**
   * Returns once every attempt that has ended is written down at home: whoever closes the pools waits for it, and not for
   * the others, one of which may be what has failed.
   */
  async settled(): Promise<void> {
    await Promise.all(this.unwritten);
  }

  async refuse(asked: AskedAttempt, reason: RequestRefusal): Promise<void> {
    const attempt = await this.asked(asked.id);
    if (!attempt) return;
    const failure = reason === "no-majority" ? "no-majority" : "unhealthy";
    const result = { kind: "failed", failure, error: `Refused: ${reason}.` } as const;
    await putAttempt(this.own, ended(attempt, result, new Date().toISOString()));
  }

  /** A region answers. What it may have missed while it was away is told to it. */
  notice(region: RegionId, views: ReadonlyMap<RegionId, RegionView>, wasAway: boolean): void {
    if (wasAway) this.untold.add(region);
    void this.tellUntold(views);
  }

  private begun(asked: AskedAttempt, plan: Promote): Attempt {
    return {
      ...asked,
      from: plan.from,
      to: this.region,
      epoch: plan.epoch,
      status: "in_progress",
      steps: [],
      failure: null,
      error: null,
      cut: {},
      startedAt: new Date().toISOString(),
      completedAt: null,
    };
  }

  /** So that the history outlives this region. One that is away is told when it is back. */
  private async tellAll(attempt: Attempt): Promise<void> {
    const others = [...this.pools].filter(([id]) => id !== this.region);
    await Promise.all(
      others.map(([id, pool]) =>
        putAttempt(pool, attempt).catch(() => {
          this.untold.add(id);
        }),
      ),
    );
  }

  private async tellUntold(views: ReadonlyMap<RegionId, RegionView>): Promise<void> {
    const back = [...this.untold].filter((id) => views.get(id)?.failingSinceMs === null);
    if (back.length === 0 || this.telling) return;
    this.telling = true;
    try {
      const attempts = await readAttempts(this.own, RECENT_ATTEMPTS);
      for (const id of back) {
        const pool = this.pools.get(id);
        this.untold.delete(id);
        if (!pool || id === this.region) continue;
        const told = attempts.filter(({ completedAt }) => completedAt !== null);
        await Promise.all(told.map((attempt) => putAttempt(pool, attempt))).catch(() => {
          this.untold.add(id);
        });
      }
    } catch {
      // its own database: at the next sample
    } finally {
      this.telling = false;
    }
  }
}
