import { errorMessage } from "@/lib/errors";
import { failpoint } from "@/lib/failpoints";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Position, Positions } from "@/lib/db/sessions/positions";
import type { AttemptFailure, AttemptKind, AttemptStep, StepName } from "./attempt";
import type { ExpectedGrants } from "./decide";
import { majorityOf } from "./facts";
import { collect, countWhere } from "./quorum";
import {
  LeaderBusyError,
  type Held,
  type PromiseAnswer,
  type ControlSample,
  type RegionControl,
  type RowsPart,
} from "./region-control";
import { requestGrants } from "./renew";
import { guardMs, type FailoverSettings } from "./settings";

export interface PromotionPlan {
  attempt: string;
  kind: AttemptKind;
  /** The region that is to lead. */
  to: RegionId;
  from: RegionId;
  fromActor: Actor | null;
  epoch: bigint;
  /** All registered regions. */
  regions: readonly RegionId[];
  expected: ExpectedGrants | null;
}

export interface PromotionWorld {
  controls: ReadonlyMap<RegionId, RegionControl>;
  settings: FailoverSettings;
  /** Monotonic. */
  nowMs: () => number;
  sleep: (ms: number) => Promise<void>;
  onStep?: (step: AttemptStep) => void;
}

export type PromotionResult =
  | { kind: "completed"; epoch: bigint; cut: Positions }
  | { kind: "failed"; failure: AttemptFailure; error: string }
  | { kind: "rolled_back"; epoch: bigint; failure: AttemptFailure; error: string };

/** Longest wait for the old leader's writes under way, and for the new one to catch up before. */
const RELEASE_WAIT_MS = 1_000;
const PREPARE_MS = 5_000;

/** Leases that a promotion asks for until it holds one that is not over yet. */
const SERVE_ATTEMPTS = 3;

/** What each region that has promised holds and the candidate lacks. */
type Told = ReadonlyMap<RegionId, readonly RowsPart[]>;

interface Promises {
  told: Told;
  /** The latest that any of them has followed: nobody else can be given a lease any more. */
  leader: string;
  epoch: bigint;
}

class StepFailed extends Error {
  constructor(
    readonly failure: AttemptFailure,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Makes a region the leader of a new epoch. It serves only when its database holds everything that any
 * earlier leader acknowledged with quorum durability: each of a majority first promises to support no
 * earlier epoch, then says what it holds, and what the candidate lacks of that is merged. Whoever runs
 * this may die after any step: nothing leads then until somebody tries again.
 */
export function promote(plan: PromotionPlan, world: PromotionWorld): Promise<PromotionResult> {
  return new Promotion(plan, world).run();
}

class Promotion {
  private readonly startedMs: number;
  private readonly own: RegionControl;

  constructor(
    private readonly plan: PromotionPlan,
    private readonly world: PromotionWorld,
  ) {
    this.startedMs = world.nowMs();
    const own = world.controls.get(plan.to);
    if (!own) throw new RangeError(`No control of ${plan.to}`);
    this.own = own;
  }

  async run(): Promise<PromotionResult> {
    try {
      const cut = this.plan.kind === "switchover" ? await this.switchOver() : await this.failOver();
      return { kind: "completed", epoch: this.plan.epoch, cut };
    } catch (error) {
      if (error instanceof LeaderBusyError) return this.rollBack(error);
      if (error instanceof StepFailed) {
        return { kind: "failed", failure: error.failure, error: error.message };
      }
      return { kind: "failed", failure: "unhealthy", error: errorMessage(error) };
    }
  }

  private async failOver(): Promise<Positions> {
    const { expected } = this.plan;
    const { told: promised } = await this.step("promise", () => this.promise(expected));
    failpoint("promotion:promised");
    // What a region with a valid lease writes after its promise is in no quorum, but need not be left.
    const told = expected === null ? await this.waitAndMeasure(promised) : promised;
    return this.takeOver(told);
  }

  private async waitAndMeasure(promised: Told, sinceMs?: number): Promise<Told> {
    await this.waitOut(sinceMs);
    const told = await this.step("measure", () => this.measure(promised));
    failpoint("promotion:measured");
    return told;
  }

  /** Once no earlier lease can be left. */
  private async takeOver(told: Told): Promise<Positions> {
    await this.step("pull", () => this.pull(told));
    failpoint("promotion:pulled");
    const start = await this.step("publish", () => this.publish());
    failpoint("promotion:published");
    await this.step("serve", () => this.serve(start));
    failpoint("promotion:served");
    return start.cursors;
  }

  private async switchOver(): Promise<Positions> {
    const { from, to } = this.plan;
    const leader = this.world.controls.get(from);
    if (!leader || from === to) throw new StepFailed("unhealthy", `${from} cannot hand over.`);
    const goal = await leader.sample();
    await this.step("prepare", () => this.catchUp(leader, goal));
    const { told: promised } = await this.step("promise", () => this.promiseAfter(goal));
    const promisedAtMs = this.world.nowMs();
    failpoint("handover:promised");
    // The old leader goes on writing under its last lease while the others hear of the new one.
    const start = await this.step("publish", () => this.publish());
    failpoint("handover:published");
    let tail: RowsPart[];
    try {
      tail = await this.step("release", () =>
        leader.release(this.plan.epoch - 1n, this.heldOf(start), RELEASE_WAIT_MS),
      );
    } catch (error) {
      if (error instanceof LeaderBusyError) throw error;
      return this.takeOver(await this.waitAndMeasure(promised, promisedAtMs));
    }
    failpoint("handover:released");
    await this.step("drain", async () => {
      await this.own.merge(tail);
      return `${countRows(tail)} rows`;
    });
    failpoint("handover:drained");
    await this.step("serve", () => this.serve(start));
    return start.cursors;
  }

  private heldOf(sample: ControlSample): Position {
    const { fromActor } = this.plan;
    return fromActor === null
      ? (0n as Position)
      : (sample.cursors.get(fromActor) ?? (0n as Position));
  }

  /** Before anything is touched: nearly all of the leader's writes, and what it took over itself. */
  private async catchUp(leader: RegionControl, goal: ControlSample): Promise<string> {
    const untilMs = this.world.nowMs() + PREPARE_MS;
    for (;;) {
      const own = await this.own.sample();
      if ((own.cursors.get(goal.actor) ?? 0n) >= goal.lastEvent) {
        await this.own.merge(await leader.rowsBeyond(own));
        return `caught up with ${goal.lastEvent}`;
      }
      if (this.world.nowMs() > untilMs) {
        throw new StepFailed("behind", `${this.plan.to} did not catch up with ${goal.region}.`);
      }
      await this.world.sleep(20);
    }
  }

  /**
   * Only who has the lease can give it up. Another region may have been elected by now; and a leader that is
   * known to all but has not begun has none, while the one before it may have.
   */
  private async promiseAfter({ region, leaseEpoch }: ControlSample): Promise<Promises> {
    const promises = await this.promise(null);
    if (promises.leader === region && promises.epoch === leaseEpoch) return promises;
    const { leader, epoch } = promises;
    throw new StepFailed("superseded", `${leader} was to lead epoch ${epoch} by now.`);
  }

  private async promise(expected: ExpectedGrants | null): Promise<Promises> {
    const { epoch, to, attempt, regions } = this.plan;
    const held = await this.own.sample();
    const asked = expected === null ? regions : regions.filter((id) => expected.has(id));
    const calls = this.ask(asked, (control) =>
      control.promise({
        epoch,
        candidate: to,
        attempt,
        expected: expected?.get(control.region) ?? null,
        held,
      }),
    );
    const majority = majorityOf(regions);
    const isPromise = ({ outcome }: PromiseAnswer) => outcome === "promised";
    const answers = await collect(calls, (done) => countWhere(done, isPromise) >= majority);
    const told = new Map<RegionId, readonly RowsPart[]>();
    let newest = { epoch: -1n, leader: "" };
    for (const [id, answer] of answers) {
      if (answer.outcome !== "promised") continue;
      told.set(id, answer.rows);
      if (answer.epoch > newest.epoch) newest = answer;
    }
    if (told.size >= majority) return { told, leader: newest.leader, epoch: newest.epoch };
    const said = [...answers.values()].map(({ outcome }) => outcome);
    const failure = said.includes("superseded")
      ? "superseded"
      : said.includes("renewed")
        ? "renewed"
        : "no-majority";
    throw new StepFailed(failure, `${told.size} of ${regions.length} regions promised.`);
  }

  /** Until no lease from before the promises can be left. */
  private async waitOut(sinceMs: number = this.world.nowMs()): Promise<void> {
    await this.step("wait", async () => {
      const leftMs = sinceMs + guardMs(this.world.settings) - this.world.nowMs();
      if (leftMs > 0) await this.world.sleep(leftMs);
    });
  }

  /** What those that promised hold by now, for it may be more than with the promise. */
  private async measure(promised: Told): Promise<Told> {
    const { regions } = this.plan;
    const held: Held = await this.own.sample();
    const calls = this.ask([...promised.keys()], (control) => control.rowsBeyond(held));
    const told = await collect(calls, (done) => done.size === promised.size);
    if (told.size < majorityOf(regions)) {
      throw new StepFailed("no-majority", `${told.size} of ${regions.length} were measured.`);
    }
    return told;
  }

  private async pull(told: Told): Promise<string> {
    const rows = [...told].filter(([id]) => id !== this.plan.to).flatMap(([, parts]) => parts);
    await this.own.merge(rows);
    return `${countRows(rows)} rows`;
  }

  /** Tells a majority of the new leader; their grants are of its first lease. */
  private async publish(): Promise<ControlSample> {
    const { epoch, to, regions } = this.plan;
    const start = await this.own.probe();
    const granted = await requestGrants(this.world.controls, regions, (control) =>
      control.grant(epoch, to, start.actor),
    );
    if (!granted) throw new StepFailed("no-majority", "No majority took the new leader.");
    return start;
  }

  /**
   * A lease that was over before it was held is asked for anew: on a slow machine the old leader's writes under
   * way may take longer than one. As long as a majority grants, none of it has promised a later epoch.
   */
  private async serve(start: ControlSample): Promise<void> {
    let from = start;
    for (let left = SERVE_ATTEMPTS; ; left--) {
      const outcome = await this.own.hold({
        epoch: this.plan.epoch,
        start: from.now,
        boot: from.boot,
        leaseMs: this.world.settings.leaseMs,
        begin: true,
      });
      if (outcome === "held") return;
      if (outcome !== "late" || left === 1) {
        throw new StepFailed("no-lease", `The lease was refused: ${outcome}.`);
      }
      from = await this.publish();
    }
  }

  /**
   * The old leader kept its lease, and the new one never had any: the old one leads the next epoch.
   * Should that fail, the workers elect somebody once its lease is over.
   */
  private async rollBack(cause: LeaderBusyError): Promise<PromotionResult> {
    const { from, to, attempt, regions, epoch } = this.plan;
    const error = cause.message;
    const back = new Promotion(
      {
        ...this.plan,
        attempt: `${attempt}/back`,
        to: from,
        from: to,
        epoch: epoch + 1n,
        regions,
        expected: null,
      },
      { ...this.world, onStep: undefined },
    );
    try {
      await this.step("roll back", async () => {
        await back.promise(null);
        await back.serve(await back.publish());
      });
      return { kind: "rolled_back", epoch: epoch + 1n, failure: "busy", error };
    } catch {
      return { kind: "failed", failure: "busy", error };
    }
  }

  private ask<T>(regions: readonly RegionId[], call: (control: RegionControl) => Promise<T>) {
    return new Map(
      regions.flatMap((id) => {
        const control = this.world.controls.get(id);
        return control ? [[id, call(control)] as const] : [];
      }),
    );
  }

  private async step<T>(name: StepName, work: () => Promise<T>): Promise<T> {
    const startMs = this.world.nowMs();
    const note = (detail: string) =>
      this.world.onStep?.({
        name,
        startedMs: Math.round(startMs - this.startedMs),
        ms: Math.round(this.world.nowMs() - startMs),
        detail,
      });
    try {
      const result = await work();
      note(typeof result === "string" ? result : "");
      return result;
    } catch (error) {
      note(errorMessage(error));
      throw error;
    }
  }
}

function countRows(parts: readonly RowsPart[]): number {
  return parts.reduce((sum, part) => sum + part.events, 0);
}
