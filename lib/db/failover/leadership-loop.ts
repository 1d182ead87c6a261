import type { Sleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Logger } from "@/lib/log";
import type { Wakeup } from "@/lib/service";
import type { Attempt, AttemptStep } from "./attempt";
import { decide, decideRequest, type Promote, type RequestRefusal } from "./decide";
import { newestEpoch, noteFailure, noteSample, unseen, type Facts, type RegionView } from "./facts";
import { promote, type PromotionResult } from "./promotion";
import type { RegionControl } from "./region-control";
import { renewLease } from "./renew";
import type { FailoverSettings } from "./settings";

/** Longest pause between two decisions; a new sample wakes earlier. */
const TICK_MS = 50;

/** How often a suspicion is repeated; an acceptor forgets it after 2 s. */
const SUSPECT_EVERY_MS = 500;

/** What is known of an attempt before it begins. */
export type AskedAttempt = Pick<Attempt, "id" | "kind" | "reason" | "requestedBy" | "requestedAt">;

/** One attempt in the history. Neither is waited for: nobody leads meanwhile. */
export interface AttemptRecord {
  step(step: AttemptStep): void;
  end(result: PromotionResult): void;
}

/** The history of attempts, as the loop uses it. */
export interface AttemptHistory {
  /** What somebody asks this region for; null once it is under way. */
  asked(id: string): Promise<AskedAttempt | null>;
  begin(asked: AskedAttempt, plan: Promote): AttemptRecord;
  refuse(asked: AskedAttempt, reason: RequestRefusal): Promise<void>;
}

/** All that the loop has of the world: a simulation puts its own in place of clock and databases. */
export interface LeadershipWorld {
  region: RegionId;
  /** Every region by id, this one included. */
  controls: ReadonlyMap<RegionId, RegionControl>;
  settings: FailoverSettings;
  /** Round trip to expect between two regions, the same for all of their workers. */
  distanceMs: (from: RegionId, to: RegionId) => number;
  history: AttemptHistory;
  /** Monotonic. */
  nowMs: () => number;
  sleep: Sleep;
  random: () => number;
  /** Of an attempt. */
  newId: () => string;
  log: Pick<Logger, "debug" | "info" | "warn">;
  wakeup: Pick<Wakeup, "wake" | "wait">;
  /** Called after each sample. `wasAway`: the probe before it had failed. */
  onSample?: (region: RegionId, views: ReadonlyMap<RegionId, RegionView>, wasAway: boolean) => void;
}

/** Probes, decides and acts, until it is aborted. */
export class LeadershipLoop {
  private readonly views = new Map<RegionId, RegionView>();
  private renewing = false;
  private renewedAtMs: number | null = null;
  private attemptedAtMs: number | null = null;
  private suspectedAtMs = -Infinity;
  private suspected: RegionId | null = null;
  private epoch = 0n;
  private epochSinceMs = -Infinity;
  private jitter: number;

  constructor(private readonly world: LeadershipWorld) {
    this.jitter = world.random();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { controls, nowMs } = this.world;
    for (const id of controls.keys()) this.views.set(id, unseen(id, nowMs()));
    await Promise.all([
      ...[...controls.values()].map((control) => this.probeForever(control, signal)),
      this.decideForever(signal),
    ]);
  }

  /** One loop per region: one that hangs delays nothing that is known of the others. */
  private async probeForever(control: RegionControl, signal: AbortSignal): Promise<void> {
    const { nowMs, sleep, wakeup, onSample } = this.world;
    const { probeMs } = this.world.settings;
    const { region } = control;
    while (!signal.aborted) {
      const sentAtMs = nowMs();
      const view = () => this.views.get(region) ?? unseen(region, sentAtMs);
      try {
        const sample = await control.probe();
        const wasAway = view().failingSinceMs !== null;
        this.views.set(region, noteSample(view(), sample, nowMs()));
        this.noteEpoch();
        onSample?.(region, this.views, wasAway);
      } catch (err) {
        this.views.set(region, noteFailure(view(), sentAtMs));
        this.world.log.debug({ err, peer: region }, "probe failed");
      }
      wakeup.wake();
      const spentMs = nowMs() - sentAtMs;
      await sleep(Math.max(probeMs / 4, probeMs - spentMs), signal);
    }
  }

  private noteEpoch(): void {
    const epoch = newestEpoch(this.views.values())?.epoch ?? 0n;
    if (epoch <= this.epoch) return;
    // What it finds when it starts is not new.
    this.epochSinceMs = this.epoch === 0n ? -Infinity : this.world.nowMs();
    this.epoch = epoch;
  }

  private async decideForever(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.world.wakeup.wait(TICK_MS, signal);
      if (signal.aborted) return;
      try {
        await this.act(signal);
      } catch (err) {
        this.world.log.warn({ err }, "A decision could not be carried out.");
      }
    }
  }

  private async act(signal: AbortSignal): Promise<void> {
    const facts = this.facts();
    const request = this.views.get(this.world.region)?.sample?.request;
    if (request) return this.answerRequest(facts, request, signal);
    const decision = decide(facts);
    switch (decision.kind) {
      case "renew":
        this.renew(decision.epoch, decision.leader, decision.regions);
        break;
      case "promote":
        await this.attempt(
          decision,
          {
            kind: "automatic",
            id: this.world.newId(),
            reason: `${decision.from} has no lease`,
            requestedBy: `worker of ${this.world.region}`,
            requestedAt: new Date().toISOString(),
          },
          signal,
        );
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
      self: this.world.region,
      nowMs: this.world.nowMs(),
      settings: this.world.settings,
      distanceMs: this.world.distanceMs,
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
    this.renewedAtMs = this.world.nowMs();
    renewLease(this.world, epoch, leader, regions)
      .then((outcome) => {
        if (outcome.kind === "refused") {
          this.world.log.debug({ leader, outcome }, "lease not renewed");
        }
      })
      .catch((err: unknown) => this.world.log.warn({ err }, "lease not renewed"))
      .finally(() => {
        this.renewing = false;
      });
  }

  private async answerRequest(facts: Facts, id: string, signal: AbortSignal): Promise<void> {
    const { history } = this.world;
    const asked = await history.asked(id);
    if (!asked) return;
    const decision = decideRequest(facts, null);
    if (decision.kind === "promote") await this.attempt(decision, asked, signal);
    else if (decision.kind === "refuse") await history.refuse(asked, decision.reason);
  }

  private async attempt(plan: Promote, asked: AskedAttempt, signal: AbortSignal): Promise<void> {
    const { region, controls, settings, nowMs, sleep, history, random, log } = this.world;
    const record = history.begin(asked, plan);
    log.info({ epoch: `${plan.epoch}`, from: plan.from, kind: asked.kind }, "tries to lead");
    const result = await promote(
      {
        attempt: asked.id,
        kind: asked.kind,
        to: region,
        from: plan.from,
        fromActor: plan.fromActor,
        epoch: plan.epoch,
        regions: plan.regions,
        expected: plan.expected,
      },
      {
        controls,
        settings,
        nowMs,
        sleep: (ms) => sleep(ms, signal),
        onStep: (step) => record.step(step),
      },
    );
    this.attemptedAtMs = nowMs();
    this.renewedAtMs = null;
    this.jitter = random();
    log.info({ epoch: `${plan.epoch}`, result: result.kind }, "attempt to lead ended");
    record.end(result);
  }

  private noteSuspicion({ nowMs, views, settings }: Facts): void {
    const { region, controls } = this.world;
    const leader = newestEpoch(views.values())?.leader as RegionId | undefined;
    const failingSinceMs = leader ? (views.get(leader)?.failingSinceMs ?? null) : null;
    const suspect =
      leader !== undefined &&
      leader !== region &&
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
    controls
      .get(region)
      ?.suspect(suspect)
      .catch(() => undefined);
  }
}
