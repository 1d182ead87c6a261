import { systemSleep, type Sleep } from "@/lib/clock";
import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { LeaderAnswer } from "./probe";

export type LeaderNews =
  | { kind: "leads"; region: RegionId; epoch: bigint }
  | { kind: "stepped-down"; region: RegionId }
  | { kind: "silent"; region: RegionId }
  | { kind: "answers"; region: RegionId }
  | { kind: "dual"; region: RegionId; epoch: bigint; newest: bigint };

export interface LeaderWatchOptions {
  regions: readonly RegionId[];
  /** Asks the region's own database. May take long, or fail. */
  ask: (region: RegionId) => Promise<LeaderAnswer>;
  onNews: (news: LeaderNews) => void;
  everyMs?: number;
  answerMs?: number;
  sleep?: Sleep;
}

/** Asks every region, several times a second, whether it leads. */
export class LeaderWatch {
  private readonly latest = new Map<RegionId, LeaderAnswer>();
  private newest = 0n;
  private dual = 0;
  /** A leader that was silent for a moment is no news. */
  private announced = 0n;

  constructor(private readonly options: LeaderWatchOptions) {}

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.options.regions.map((region) => this.follow(region, signal)));
  }

  of(region: RegionId): LeaderAnswer {
    return this.latest.get(region) ?? { kind: "unknown" };
  }

  /** Regions that say that they lead. */
  leaders(): { region: RegionId; epoch: bigint }[] {
    return [...this.latest].flatMap(([region, answer]) =>
      answer.kind === "leads" ? [{ region, epoch: answer.epoch }] : [],
    );
  }

  get newestEpoch(): bigint {
    return this.newest;
  }

  get dualLeaders(): number {
    return this.dual;
  }

  private async follow(region: RegionId, signal: AbortSignal): Promise<void> {
    const { ask, everyMs = 100, answerMs = 1_500, sleep = systemSleep } = this.options;
    while (!signal.aborted) {
      // What was known before the question was put: an answer may be old when it comes.
      const newest = this.newest;
      const asked = ask(region).catch((): LeaderAnswer => ({ kind: "unknown" }));
      const answer = await within(answerMs, asked).catch((): LeaderAnswer => {
        this.take(region, { kind: "unknown" }, newest);
        // A database that hangs is asked no second question before it answered the first.
        return { kind: "unknown" };
      });
      const late = answer.kind === "unknown" ? await orAborted(asked, signal) : answer;
      if (signal.aborted) return;
      this.take(region, late, newest);
      await sleep(everyMs, signal);
    }
  }

  /**
   * A database that says that it leads an epoch, asked after a later one had already been seen to be led,
   * is a second leader.
   */
  private take(region: RegionId, answer: LeaderAnswer, newestBefore: bigint): void {
    const { onNews } = this.options;
    const before = this.of(region);
    this.latest.set(region, answer);
    if (answer.kind === "leads") {
      if (answer.epoch < newestBefore) {
        this.dual += 1;
        onNews({ kind: "dual", region, epoch: answer.epoch, newest: newestBefore });
      }
      if (answer.epoch > this.newest) this.newest = answer.epoch;
    }
    if (before.kind === "unknown" && answer.kind !== "unknown") onNews({ kind: "answers", region });
    if (before.kind !== "unknown" && answer.kind === "unknown") onNews({ kind: "silent", region });
    if (before.kind === "leads" && answer.kind === "follows") {
      onNews({ kind: "stepped-down", region });
    }
    if (answer.kind === "leads" && answer.epoch > this.announced) {
      this.announced = answer.epoch;
      onNews({ kind: "leads", region, epoch: answer.epoch });
    }
  }
}

function orAborted(answer: Promise<LeaderAnswer>, signal: AbortSignal): Promise<LeaderAnswer> {
  return new Promise((resolve) => {
    const end = () => resolve({ kind: "unknown" });
    signal.addEventListener("abort", end, { once: true });
    void answer.then((said) => {
      signal.removeEventListener("abort", end);
      resolve(said);
    });
  });
}
