import { systemSleep } from "@/lib/clock";
import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { RegionState } from "@/lib/db/regions/region-state";
import { regionIds, type Topology } from "@/lib/db/regions/topology";

/** Between an answer of a region and the next question to it, in ms. */
const ASK_EVERY_MS = 50;

/** How many of those who wait are told first, and then twice as many: all at once would swamp the new leader. */
const FIRST_TOLD = 3;

/** After so long a region counts as not answering, and is asked again, in ms. */
const ANSWER_MS = 1_000;

export interface LeaderQuestion {
  /** Any other region that has the lease is news. */
  former: RegionId;
  /** From when on it is news too that the former leader has its lease, in ms; by default never. */
  backAfterMs?: number;
  /** Longest wait, in ms. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

interface Waiter extends LeaderQuestion {
  sinceMs: number;
  settle: () => void;
}

type State = Pick<RegionState, "askLeader" | "leader">;

/** Asks all regions who leads while anybody waits: one question to each at a time, whoever waits. */
class VantageSearch {
  private readonly waiters = new Set<Waiter>();
  private readonly asking = new Set<RegionId>();
  private toldAtOnce = FIRST_TOLD;

  constructor(
    private readonly vantage: RegionId,
    private readonly state: State,
    private readonly topology: () => Topology,
  ) {}

  wait(question: LeaderQuestion): Promise<void> {
    return new Promise((resolve) => {
      const { signal, timeoutMs } = question;
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", settle);
        this.waiters.delete(waiter);
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(settle, timeoutMs);
      const waiter: Waiter = { ...question, sinceMs: performance.now(), settle };
      signal?.addEventListener("abort", settle, { once: true });
      this.waiters.add(waiter);
      for (const id of regionIds(this.topology())) void this.ask(id);
    });
  }

  private async ask(region: RegionId): Promise<void> {
    if (this.asking.has(region)) return;
    this.asking.add(region);
    try {
      while (this.waiters.size > 0) {
        const asked = this.state.askLeader(this.vantage, region);
        const answer = await within(ANSWER_MS, asked).catch(() => null);
        // Before it has its lease it would refuse everybody who has waited, at once.
        if (answer?.holdsLease) this.tell(region);
        await systemSleep(ASK_EVERY_MS);
      }
    } finally {
      this.asking.delete(region);
    }
  }

  private tell(answered: RegionId): void {
    // Not its own answer: a region that was away names one of long ago.
    const { region: leader } = this.state.leader(this.vantage);
    if (answered !== leader) return;
    const told = [...this.waiters].filter(
      ({ former, backAfterMs = Infinity, sinceMs }) =>
        leader !== former || performance.now() - sinceMs >= backAfterMs,
    );
    // Longest waiting first.
    for (const waiter of told.slice(0, this.toldAtOnce)) waiter.settle();
    this.toldAtOnce = told.length > this.toldAtOnce ? this.toldAtOnce * 2 : FIRST_TOLD;
  }
}

/** Finds the next leader for everybody in a process who waits for one. */
export class LeaderSearch {
  private readonly searches = new Map<RegionId, VantageSearch>();

  constructor(
    private readonly state: State,
    private readonly topology: () => Topology,
  ) {}

  /** Returns at the first news, or when the time is over. Never rejects. */
  wait(vantage: RegionId, question: LeaderQuestion): Promise<void> {
    let search = this.searches.get(vantage);
    if (!search) {
      search = new VantageSearch(vantage, this.state, this.topology);
      this.searches.set(vantage, search);
    }
    return search.wait(question);
  }
}
