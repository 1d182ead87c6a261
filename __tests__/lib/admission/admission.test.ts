import { describe, expect, it } from "vitest";
import { Admission } from "@/lib/admission/admission";

const STEP_MS = 5;
const LOOK_MS = 50;
/** Of the one thread that a request needs, and of the database that it waits for first. */
const WORK_MS = 10;
const WAIT_MS = 20;

/** A process whose open requests share one thread, in virtual time. */
class Busy {
  nowMs = 0;
  readonly admission = new Admission();
  readonly tookMs: { atMs: number; ms: number }[] = [];
  private readonly open: { atMs: number; readyMs: number; leftMs: number }[] = [];
  private busyMs = 0;

  /** @param waitMs for which a request waits without working */
  run(forMs: number, perSecond: number, waitMs = WAIT_MS): { taken: number; refused: number } {
    const endMs = this.nowMs + forMs;
    const counts = { taken: 0, refused: 0 };
    let due = 0;
    for (; this.nowMs < endMs; this.nowMs += STEP_MS) {
      this.work();
      if (this.nowMs % LOOK_MS === 0) {
        this.admission.look(this.busyMs / LOOK_MS);
        this.busyMs = 0;
      }
      for (due += (perSecond * STEP_MS) / 1_000; due >= 1; due--) {
        if (!this.admission.admit()) {
          counts.refused += 1;
          continue;
        }
        counts.taken += 1;
        this.open.push({ atMs: this.nowMs, readyMs: this.nowMs + waitMs, leftMs: WORK_MS });
      }
    }
    return counts;
  }

  slowest(sinceMs: number): number {
    return Math.max(...this.tookMs.filter(({ atMs }) => atMs >= sinceMs).map(({ ms }) => ms));
  }

  private work(): void {
    const ready = this.open.filter(({ readyMs }) => readyMs <= this.nowMs);
    if (ready.length === 0) return;
    this.busyMs += STEP_MS;
    for (const request of ready) request.leftMs -= STEP_MS / ready.length;
    for (const done of ready.filter(({ leftMs }) => leftMs < 1e-9)) {
      this.open.splice(this.open.indexOf(done), 1);
      this.tookMs.push({ atMs: done.atMs, ms: this.nowMs - done.atMs });
      this.admission.answered();
    }
  }
}

describe("what a process takes in", () => {
  it("is everything while it keeps up", () => {
    const busy = new Busy();
    expect(busy.run(60_000, 80).refused).toBe(0);
    expect(busy.admission.limit).toBeNull();
  });

  it("is what it can answer once more is asked, and none of it takes long", () => {
    const busy = new Busy();
    busy.run(5_000, 50);
    const { taken, refused } = busy.run(60_000, 400);
    expect(taken + refused).toBe(24_000);
    expect(taken / 60).toBeGreaterThan(80);
    expect(taken / 60).toBeLessThanOrEqual(101);
    expect(busy.slowest(0)).toBeLessThan(600);
    expect(busy.slowest(7_000)).toBeLessThan(300);
    expect(busy.admission.refused).toBe(refused);
  });

  it("is everything again within ten seconds of the end", () => {
    const busy = new Busy();
    busy.run(20_000, 400);
    busy.run(10_000, 60);
    expect(busy.run(20_000, 60).refused).toBe(0);
    expect(busy.admission.limit).toBeNull();
  });

  it("keeps a limit of a second time as long as one of the first", () => {
    const admission = new Admission();
    for (let n = 0; n < 20; n++) admission.admit();
    for (const _time of [1, 2]) {
      admission.look(1);
      for (let looks = 0; looks < 100; looks++) admission.look(0.5);
      expect(admission.limit).not.toBeNull();
      admission.look(0.5);
      expect(admission.limit).toBeNull();
    }
  });

  it("is everything while hundreds wait for something else", () => {
    const busy = new Busy();
    expect(busy.run(60_000, 60, 5_000).refused).toBe(0);
  });

  it("goes on where hundreds wait and it was saturated for a moment", () => {
    const busy = new Busy();
    busy.run(10_000, 60, 5_000);
    busy.admission.look(1);
    const { taken } = busy.run(5_000, 60, 5_000);
    expect(taken).toBeGreaterThan(100);
  });

  it("is everything while few ask, however busy the machine is", () => {
    const admission = new Admission();
    for (let turn = 0; turn < 100; turn++) {
      admission.look(1);
      expect(admission.admit()).toBe(true);
      if (turn % 15 === 14) for (let left = 15; left > 0; left--) admission.answered();
    }
  });
});
