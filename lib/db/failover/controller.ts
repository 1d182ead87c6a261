import { randomUUID } from "node:crypto";
import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import { getLogger } from "@/lib/log";
import { Wakeup, type Service } from "@/lib/service";
import type { Attempt } from "./attempt";
import { decide, decideRequest, type Promote } from "./decide";
import { newestEpoch, noteFailure, noteSample, unseen, type Facts, type RegionView } from "./facts";
import { ended, putAttempt, readAttempt, readAttempts } from "./history";
import { PgRegionControl } from "./pg-region-control";
import { promote } from "./promotion";
import { renewLease } from "./renew";
import type { FailoverSettings } from "./settings";
import { StrandedWrites } from "./stranded-writes";

/** Longest pause between two decisions; a new sample wakes earlier. */
const TICK_MS = 50;

/** What a region that was away is told of the history. */
const RECENT_ATTEMPTS = 20;

/** How often a suspicion is repeated; an acceptor forgets it after 2 s. */
const SUSPECT_EVERY_MS = 500;

export interface ControllerOptions {
  region: RegionId;
  /** Every region by id, this one included, as the owner. `query_timeout` bounds a probe. */
  pools: ReadonlyMap<RegionId, pg.Pool>;
  settings: FailoverSettings;
  random?: () => number;
}

/**
 * Probes all regions, keeps the leader's lease alive, and makes this region the leader when nobody else
 * leads and a majority agrees, or when it is asked to. A second controller of a region is harmless.
 */
export class LeadershipController implements Service {
  readonly name: string;
  private readonly stopping = new AbortController();
  private readonly wakeup = new Wakeup();
  private readonly controls: ReadonlyMap<RegionId, PgRegionControl>;
  private readonly views = new Map<RegionId, RegionView>();
  private readonly random: () => number;
  private readonly stranded: StrandedWrites;
  private renewing = false;
  private renewedAtMs: number | null = null;
  private attemptedAtMs: number | null = null;
  /** Regions that may lack part of the history. */
  private readonly untold = new Set<RegionId>();
  private telling = false;
  private suspectedAtMs = -Infinity;
  private suspected: RegionId | null = null;
  private epoch = 0n;
  private epochSinceMs = -Infinity;
  private jitter: number;

  constructor(private readonly options: ControllerOptions) {
    this.name = `leadership controller of ${options.region}`;
    this.random = options.random ?? Math.random;
    this.jitter = this.random();
    this.controls = new Map(
      [...options.pools].map(([id, pool]) => [id, new PgRegionControl(id, pool)]),
    );
    this.stranded = new StrandedWrites(options.region, options.pools);
  }

  async run(): Promise<void> {
    const nowMs = performance.now();
    for (const id of this.controls.keys()) this.views.set(id, unseen(id, nowMs));
    await Promise.all([
      ...[...this.controls.values()].map((control) => this.probeForever(control)),
      this.decideForever(),
    ]);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** One loop per region: one that hangs delays nothing that is known of the others. */
  private async probeForever(control: PgRegionControl): Promise<void> {
    const { signal } = this.stopping;
    const { probeMs } = this.options.settings;
    while (!signal.aborted) {
      const sentAtMs = performance.now();
      const view = () => this.views.get(control.region) ?? unseen(control.region, sentAtMs);
      try {
        const sample = await control.probe();
        if (view().failingSinceMs !== null) this.untold.add(control.region);
        this.views.set(control.region, noteSample(view(), sample, performance.now()));
        this.noteEpoch();
        this.stranded.notice(this.views);
        void this.tellUntold();
      } catch (err) {
        this.views.set(control.region, noteFailure(view(), sentAtMs));
        getLogger("leadership").debug({ err, peer: control.region }, "probe failed");
      }
      this.wakeup.wake();
      const spentMs = performance.now() - sentAtMs;
      await systemSleep(Math.max(probeMs / 4, probeMs - spentMs), signal);
    }
  }

  private noteEpoch(): void {
    const epoch = newestEpoch(this.views.values())?.epoch ?? 0n;
    if (epoch <= this.epoch) return;
    // What it finds when it starts is not new.
    this.epochSinceMs = this.epoch === 0n ? -Infinity : performance.now();
    this.epoch = epoch;
  }

  private async decideForever(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.wakeup.wait(TICK_MS, signal);
      if (signal.aborted) return;
      try {
        await this.act();
      } catch (err) {
        getLogger("leadership").warn({ err }, "A decision could not be carried out.");
      }
    }
  }

  private async act(): Promise<void> {
    const facts = this.facts();
    const request = this.views.get(this.options.region)?.sample?.request;
    if (request) return this.answerRequest(facts, request);
    const decision = decide(facts);
    switch (decision.kind) {
      case "renew":
        this.renew(decision.epoch, decision.leader, decision.regions);
        break;
      case "promote":
        await this.attempt(decision, {
          kind: "automatic",
          id: randomUUID(),
          reason: `${decision.from} has no lease`,
          requestedBy: `worker of ${this.options.region}`,
          requestedAt: new Date().toISOString(),
        });
        break;
      case "hold":
      case "refuse":
        break;
      default:
        decision satisfies never;
    }
    this.noteSuspicion(facts);
  }

  private facts(): Facts {
    return {
      self: this.options.region,
      nowMs: performance.now(),
      settings: this.options.settings,
      views: this.views,
      renewedAtMs: this.renewedAtMs,
      attemptedAtMs: this.attemptedAtMs,
      epochSinceMs: this.epochSinceMs,
      jitter: this.jitter,
    };
  }

  /** Not awaited: the next decision does not depend on it. */
  private renew(epoch: bigint, leader: RegionId, regions: readonly RegionId[]): void {
    if (this.renewing) return;
    this.renewing = true;
    this.renewedAtMs = performance.now();
    renewLease(this.world, epoch, leader, regions)
      .then((outcome) => {
        if (outcome.kind === "refused") {
          getLogger("leadership").debug({ leader, outcome }, "lease not renewed");
        }
      })
      .catch((err: unknown) => getLogger("leadership").warn({ err }, "lease not renewed"))
      .finally(() => {
        this.renewing = false;
      });
  }

  /** Of `renewLease` and `promote`. */
  private get world() {
    return {
      controls: this.controls,
      settings: this.options.settings,
      nowMs: () => performance.now(),
      sleep: (ms: number) => systemSleep(ms, this.stopping.signal),
    };
  }

  private async answerRequest(facts: Facts, id: string): Promise<void> {
    const own = this.ownPool();
    const asked = await readAttempt(own, id);
    if (!asked || asked.status !== "initiated") return;
    const decision = decideRequest(facts, null);
    if (decision.kind === "promote") {
      await this.attempt(decision, asked);
    } else if (decision.kind === "refuse") {
      const now = new Date().toISOString();
      const failure = decision.reason === "no-majority" ? "no-majority" : "unhealthy";
      await putAttempt(
        own,
        ended(asked, { kind: "failed", failure, error: `Refused: ${decision.reason}.` }, now),
      );
    }
  }

  private async attempt(
    plan: Promote,
    asked: Pick<Attempt, "id" | "kind" | "reason" | "requestedBy" | "requestedAt">,
  ): Promise<void> {
    const own = this.ownPool();
    const log = getLogger("leadership");
    let attempt: Attempt = {
      ...asked,
      from: plan.from,
      to: this.options.region,
      epoch: plan.epoch,
      status: "in_progress",
      steps: [],
      failure: null,
      error: null,
      cut: {},
      startedAt: new Date().toISOString(),
      completedAt: null,
    };
    // History is not waited for while nobody leads: its writes go in order over one chain.
    let writing: Promise<unknown> = putAttempt(own, attempt).catch(() => undefined);
    const write = (next: Attempt) => {
      attempt = next;
      writing = writing.then(() => putAttempt(own, next)).catch(() => undefined);
    };
    log.info({ epoch: `${plan.epoch}`, from: plan.from, kind: asked.kind }, "tries to lead");
    const result = await promote(
      {
        attempt: asked.id,
        kind: asked.kind,
        to: this.options.region,
        from: plan.from,
        fromActor: plan.fromActor,
        epoch: plan.epoch,
        regions: plan.regions,
        expected: plan.expected,
      },
      {
        ...this.world,
        onStep: (step) => write({ ...attempt, steps: [...attempt.steps, step] }),
      },
    );
    this.attemptedAtMs = performance.now();
    this.renewedAtMs = null;
    this.jitter = this.random();
    log.info({ epoch: `${plan.epoch}`, result: result.kind }, "attempt to lead ended");
    write(ended(attempt, result, new Date().toISOString()));
    const done = attempt;
    void writing.then(() => this.tellAll(done));
  }

  /** So that the history outlives this region. One that is away is told when it is back. */
  private async tellAll(attempt: Attempt): Promise<void> {
    const others = [...this.options.pools].filter(([id]) => id !== this.options.region);
    await Promise.all(
      others.map(([id, pool]) =>
        putAttempt(pool, attempt).catch(() => {
          this.untold.add(id);
        }),
      ),
    );
  }

  /** What regions that were away may have missed of this region's history. */
  private async tellUntold(): Promise<void> {
    const back = [...this.untold].filter((id) => this.views.get(id)?.failingSinceMs === null);
    if (back.length === 0 || this.telling) return;
    this.telling = true;
    try {
      const attempts = await readAttempts(this.ownPool(), RECENT_ATTEMPTS);
      for (const id of back) {
        const pool = this.options.pools.get(id);
        this.untold.delete(id);
        if (!pool || id === this.options.region) continue;
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

  private noteSuspicion({ nowMs, views, settings }: Facts): void {
    const leader = newestEpoch(views.values())?.leader as RegionId | undefined;
    const failingSinceMs = leader ? (views.get(leader)?.failingSinceMs ?? null) : null;
    const suspect =
      leader !== undefined &&
      leader !== this.options.region &&
      failingSinceMs !== null &&
      nowMs - failingSinceMs >= settings.suspectMs
        ? leader
        : null;
    if (
      suspect === this.suspected &&
      (suspect === null || nowMs - this.suspectedAtMs < SUSPECT_EVERY_MS)
    ) {
      return;
    }
    this.suspected = suspect;
    this.suspectedAtMs = nowMs;
    this.controls
      .get(this.options.region)
      ?.suspect(suspect)
      .catch(() => undefined);
  }

  private ownPool(): pg.Pool {
    const pool = this.options.pools.get(this.options.region);
    if (!pool) throw new RangeError(`No pool of ${this.options.region}`);
    return pool;
  }
}
