import { errorMessage } from "@/lib/errors";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Position, Positions } from "@/lib/db/sessions/positions";
import type { AttemptFailure, AttemptKind, AttemptStep, StepName } from "./attempt";
import type { ExpectedGrants } from "./decide";
import { majorityOf } from "./facts";
import { collect, countWhere } from "./quorum";
import {
  LeaderBusyError,
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
 * earlier leader acknowledged with quorum durability: a majority first promises to support no earlier
 * epoch, is measured after that, and what it holds beyond the candidate is pulled. Whoever runs this may
 * die after any step: nothing leads then until somebody tries again.
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
    const promised = await this.step("promise", () => this.promise(expected));
    if (expected === null) await this.waitOut();
    return this.takeOver(promised);
  }

  /** Once no earlier lease can be left. */
  private async takeOver(promised: readonly RegionId[]): Promise<Positions> {
    const samples = await this.step("measure", () => this.measure(promised));
    await this.step("pull", () => this.pull(samples));
    const start = await this.step("publish", () => this.publish());
    await this.step("serve", () => this.serve(start));
    return start.cursors;
  }

  private async switchOver(): Promise<Positions> {
    const { from, to } = this.plan;
    const leader = this.world.controls.get(from);
    if (!leader || from === to) throw new StepFailed("unhealthy", `${from} cannot hand over.`);
    await this.step("prepare", () => this.catchUp(leader));
    const promised = await this.step("promise", () => this.promise(null));
    const promisedAtMs = this.world.nowMs();
    // The old leader goes on writing under its last lease while the others hear of the new one.
    const start = await this.step("publish", () => this.publish());
    let tail: RowsPart[];
    try {
      tail = await this.step("release", () =>
        leader.release(this.plan.epoch - 1n, this.heldOf(start), RELEASE_WAIT_MS),
      );
    } catch (error) {
      if (error instanceof LeaderBusyError) throw error;
      await this.waitOut(promisedAtMs);
      return this.takeOver(promised);
    }
    await this.step("drain", async () => {
      await this.own.merge(tail);
      return `${countRows(tail)} rows`;
    });
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
  private async catchUp(leader: RegionControl): Promise<string> {
    const goal = await leader.sample();
    const untilMs = this.world.nowMs() + PREPARE_MS;
    for (;;) {
      const own = await this.own.sample();
      if ((own.cursors.get(goal.actor) ?? 0n) >= goal.lastEvent) {
        await this.pullFrom(leader, goal, own);
        return `caught up with ${goal.lastEvent}`;
      }
      if (this.world.nowMs() > untilMs) {
        throw new StepFailed("behind", `${this.plan.to} did not catch up with ${goal.region}.`);
      }
      await this.world.sleep(20);
    }
  }

  private async promise(expected: ExpectedGrants | null): Promise<RegionId[]> {
    const { epoch, to, attempt, regions } = this.plan;
    const asked = expected === null ? regions : regions.filter((id) => expected.has(id));
    const calls = this.ask(asked, (control) =>
      control.promise(epoch, to, attempt, expected?.get(control.region) ?? null),
    );
    const majority = majorityOf(regions);
    const isPromise = (outcome: string) => outcome === "promised";
    const answers = await collect(calls, (done) => countWhere(done, isPromise) >= majority);
    const promised = [...answers].filter(([, outcome]) => isPromise(outcome)).map(([id]) => id);
    if (promised.length >= majority) return promised;
    const said = [...answers.values()];
    const failure = said.includes("superseded")
      ? "superseded"
      : said.includes("renewed")
        ? "renewed"
        : "no-majority";
    throw new StepFailed(failure, `${promised.length} of ${regions.length} regions promised.`);
  }

  /** Until no lease from before the promises can be left. */
  private async waitOut(sinceMs: number = this.world.nowMs()): Promise<void> {
    await this.step("wait", async () => {
      const leftMs = sinceMs + guardMs(this.world.settings) - this.world.nowMs();
      if (leftMs > 0) await this.world.sleep(leftMs);
    });
  }

  /** After the promises, never with them: what is acknowledged between the two would be missed. */
  private async measure(promised: readonly RegionId[]): Promise<ControlSample[]> {
    const { regions } = this.plan;
    const calls = this.ask(promised, (control) => control.sample());
    const samples = await collect(calls, (done) => done.size === promised.length);
    if (samples.size < majorityOf(regions)) {
      throw new StepFailed("no-majority", `${samples.size} of ${regions.length} were measured.`);
    }
    return [...samples.values()];
  }

  private async pull(samples: readonly ControlSample[]): Promise<string> {
    const own = await this.own.sample();
    const counts = await Promise.all(
      samples
        .filter(({ region }) => region !== this.plan.to)
        .map((sample) => {
          const control = this.world.controls.get(sample.region);
          return control ? this.pullFrom(control, sample, own) : 0;
        }),
    );
    return `${counts.reduce((sum, count) => sum + count, 0)} rows`;
  }

  /**
   * Whatever its cursors say: rows that it pulled itself, when it began to lead, moved none of them.
   */
  private async pullFrom(
    source: RegionControl,
    sample: ControlSample,
    own: ControlSample,
  ): Promise<number> {
    const actors = new Set([sample.actor, ...sample.cursors.keys(), ...own.cursors.keys()]);
    actors.delete(own.actor);
    const parts = await Promise.all(
      [...actors].map((actor) => source.rowsOf(actor, own.cursors.get(actor) ?? (0n as Position))),
    );
    const rows = parts.flat();
    if (rows.length > 0) await this.own.merge(rows);
    return countRows(rows);
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

  private async serve(start: ControlSample): Promise<void> {
    const outcome = await this.own.hold(
      this.plan.epoch,
      start.now,
      start.boot,
      this.world.settings.leaseMs,
    );
    if (outcome !== "held") throw new StepFailed("no-lease", `The lease was refused: ${outcome}.`);
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
