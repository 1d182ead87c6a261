import type { RegionId } from "@/lib/db/regions/region-id";
import { DatabaseError, type SimulatedDatabase } from "./database";
import type { Random } from "./random";
import type { Scheduler } from "./scheduler";

/** Between two regions, one way; within one it is a hundredth. */
const DELAY_MS = { low: 15, high: 110 };

/** How much later a call that is repeated comes for the second time, at most. */
const REPEAT_MS = 1_500;

/** One for all: where it came from is in no stack. */
const TIMEOUT = new Error("timeout");

export interface Call<T> {
  from: RegionId;
  to: SimulatedDatabase;
  timeoutMs: number;
  /** Is one transaction, at a time of the database. May answer later. */
  execute: (answer: (value: T) => void, fail: (error: Error) => void) => void;
  done: (value: T) => void;
  failed: (error: Error) => void;
  /** Whether it may happen twice. */
  repeatable?: boolean;
}

/** Of one direction between the processes of one region and the database of another. */
interface Link {
  /** By how many faults. */
  cuts: number;
  readonly delayMs: number;
  extraMs: number;
  /** How much later a stream that comes this way is applied. */
  streamMs: number;
  /** Sent while it was cut, and sent again by TCP once it is whole. */
  parked: (() => void)[];
}

/** Links between processes and databases, each direction with a delay and faults of its own. */
export class Network {
  lossRate = 0;
  repeatRate = 0;
  private readonly links: Record<"out" | "back", Map<RegionId, Map<RegionId, Link>>> = {
    out: new Map(),
    back: new Map(),
  };
  private readonly stopped = new Map<SimulatedDatabase, (() => void)[]>();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly random: Random,
    regions: readonly RegionId[],
  ) {
    for (const way of ["out", "back"] as const) {
      for (const from of regions) {
        const links = regions.map((to) => {
          const delayMs = random.between(DELAY_MS.low, DELAY_MS.high) / (from === to ? 100 : 1);
          return [to, { cuts: 0, delayMs, extraMs: 0, streamMs: 0, parked: [] }] satisfies [
            RegionId,
            Link,
          ];
        });
        this.links[way].set(from, new Map(links));
      }
    }
  }

  /** `out`: what processes of `from` send to the database of `to`; `back`: its answers. */
  link(from: RegionId, to: RegionId, way: "out" | "back"): Link {
    const link = this.links[way].get(from)?.get(to);
    if (!link) throw new RangeError(`No link from ${from} to ${to}`);
    return link;
  }

  isWhole(from: RegionId, to: RegionId): boolean {
    return this.link(from, to, "out").cuts === 0 && this.link(from, to, "back").cuts === 0;
  }

  cut(from: RegionId, to: RegionId, way: "out" | "back"): void {
    this.link(from, to, way).cuts += 1;
  }

  heal(from: RegionId, to: RegionId, way: "out" | "back"): void {
    const link = this.link(from, to, way);
    link.cuts -= 1;
    if (link.cuts > 0) return;
    for (const deliver of link.parked.splice(0)) this.scheduler.after(this.delayOf(link), deliver);
  }

  call<T>({ from, to, timeoutMs, execute, done, failed, repeatable }: Call<T>): void {
    const { scheduler } = this;
    const deadlineMs = scheduler.nowMs + timeoutMs;
    let over = false;
    const end = (settle: () => void) => {
      if (over) return;
      over = true;
      settle();
    };
    const watch = () => scheduler.at(deadlineMs, () => end(() => failed(TIMEOUT)));
    const back = this.link(from, to.region, "back");
    const answer = (settle: () => void) => {
      if (over) return;
      if (!this.send(back, () => end(settle), deadlineMs)) watch();
    };
    const arrive = () => {
      if (to.state === "down") return answer(() => failed(new DatabaseError("shutdown")));
      if (to.state === "stopped") {
        watch();
        this.stopped.set(to, [...(this.stopped.get(to) ?? []), arrive]);
        return;
      }
      let answered = false;
      const fail = (error: Error) => {
        answered = true;
        answer(() => failed(error));
      };
      try {
        execute((value) => {
          answered = true;
          answer(() => done(value));
        }, fail);
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        fail(error);
      }
      if (!answered) watch();
    };
    if (!this.send(this.link(from, to.region, "out"), arrive, Infinity)) watch();
    if (repeatable && this.repeatRate > 0 && this.random.chance(this.repeatRate)) {
      scheduler.after(this.random.between(0, REPEAT_MS), () => this.again(to, execute));
    }
  }

  /** The database has crashed: what it had not begun never happens. */
  forget(database: SimulatedDatabase): void {
    this.stopped.delete(database);
  }

  /** The database goes on with what had come while it was stopped. */
  goOn(database: SimulatedDatabase): void {
    const waiting = this.stopped.get(database) ?? [];
    this.stopped.delete(database);
    for (const arrive of waiting) arrive();
  }

  /** False: it will not arrive, or not in time. */
  private send(link: Link, deliver: () => void, deadlineMs: number): boolean {
    if (link.cuts > 0) {
      if (this.random.chance(0.5)) link.parked.push(deliver);
      return false;
    }
    if (this.lossRate > 0 && this.random.chance(this.lossRate)) return false;
    const atMs = this.scheduler.nowMs + this.delayOf(link);
    if (atMs > deadlineMs) return false;
    this.scheduler.at(atMs, deliver);
    return true;
  }

  private delayOf(link: Link): number {
    return (link.delayMs + link.extraMs) * this.random.between(1, 1.5);
  }

  private again<T>(to: SimulatedDatabase, execute: Call<T>["execute"]): void {
    if (to.state !== "up") return;
    try {
      execute(
        () => undefined,
        () => undefined,
      );
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
    }
  }
}
