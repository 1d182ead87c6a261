import type { AnswerOf, CallName, CallOf } from "@/scripts/drill/chaos/calls";
import { judge } from "@/scripts/drill/chaos/checkers/all";
import { runOf } from "@/scripts/drill/chaos/checkers/run";
import type { HistoryEvent, WithoutTime } from "@/scripts/drill/chaos/history";
import type { Inventory, RegionState } from "@/scripts/drill/chaos/region-state";

export const US = "us-east-1";
export const EU = "eu-west-1";
export const AP = "ap-southeast-1";
export const REGIONS = [US, EU, AP];

type Timed = WithoutTime<HistoryEvent>;

/** A history that is told step by step: each step is a millisecond after the one before it. */
export class Story {
  readonly events: HistoryEvent[] = [];
  states: RegionState[] = REGIONS.map(emptyState);
  private nowMs = 0;
  private ops = 0;

  note(event: Timed): this {
    this.nowMs += 1;
    this.events.push({ ...event, atMs: this.nowMs } as HistoryEvent);
    return this;
  }

  waitMs(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  /** Returns what ends it. */
  begin<N extends CallName>(name: N, call: CallOf<N>, vantage = US) {
    const op = this.ops++;
    this.note({ type: "invoke", op, name, vantage, call } as Timed);
    return {
      ok: (answer: AnswerOf<N>) => this.note({ type: "ok", op, answer } as Timed),
      fail: () => this.note({ type: "fail", op, detail: "refused" } as Timed),
      info: () => this.note({ type: "info", op, detail: "no answer" } as Timed),
    };
  }

  done<N extends CallName>(name: N, call: CallOf<N>, answer: AnswerOf<N>, vantage = US): this {
    return this.begin(name, call, vantage).ok(answer);
  }

  /** All regions have it. */
  everywhere(change: (state: RegionState) => Partial<RegionState>): this {
    this.states = this.states.map((state) => ({ ...state, ...change(state) }));
    return this;
  }

  in(region: string, change: (state: RegionState) => Partial<RegionState>): this {
    this.states = this.states.map((state) =>
      state.region === region ? { ...state, ...change(state) } : state,
    );
    return this;
  }

  /** Of each product, in every region. */
  sold(change: (product: Inventory) => Partial<Inventory>): this {
    return this.everywhere(({ inventory }) => ({
      inventory: inventory.map((product) => ({ ...product, ...change(product) })),
    }));
  }

  /** Clients stop, and the regions come to the same. */
  end(): this {
    this.note({ type: "phase", phase: "stopped" } as Timed);
    return this.note({ type: "phase", phase: "converged" } as Timed);
  }

  /** Names of the checkers that object. */
  objections(): string[] {
    return [...new Set(judge(runOf(this.events, this.states)).map(({ checker }) => checker))];
  }
}

export const stamp = (origin: string, position: number) => ({
  origin,
  position: String(position),
});

export const PRODUCT = "product";

export function emptyState(region: string): RegionState {
  return {
    region,
    rows: [],
    elements: [],
    registers: {},
    sessions: {},
    texts: {},
    insertedIds: [],
    transfers: [],
    balances: {},
    inventory: [
      {
        product: PRODUCT,
        stock: 10,
        free: 10,
        rights: { [US]: 4, [EU]: 3, [AP]: 3 },
        reservations: [],
      },
    ],
    parked: [],
    stranded: {},
    promotions: {},
    canaries: {},
  };
}
