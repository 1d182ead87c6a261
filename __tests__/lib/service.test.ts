import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Backoff, Wakeup } from "@/lib/service";

describe("Backoff", () => {
  test("doubles up to its maximum, and begins again after a reset", () => {
    const backoff = new Backoff({ minMs: 100, maxMs: 2_000, random: () => 1 });
    const waits = () => Array.from({ length: 7 }, () => backoff.nextMs());
    expect(waits()).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000]);
    backoff.reset();
    expect(waits().slice(0, 2)).toEqual([100, 200]);
  });

  test("each wait is between half and the whole of the delay", () => {
    const options = { minMs: 50, maxMs: 1_000 };
    expect(new Backoff({ ...options, random: () => 0 }).nextMs()).toBe(25);
    expect(new Backoff({ ...options, random: () => 0.5 }).nextMs()).toBe(37.5);
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.array(random, { minLength: 1, maxLength: 60 }), (numbers) => {
        let index = 0;
        const backoff = new Backoff({ ...options, random: () => numbers[index] ?? 0 });
        for (; index < numbers.length; index++) {
          const delay = Math.min(1_000, 50 * 2 ** index);
          const wait = backoff.nextMs();
          expect(wait).toBeGreaterThanOrEqual(delay / 2);
          expect(wait).toBeLessThanOrEqual(delay);
        }
      }),
    );
  });

  test("failures for a year do not overflow", () => {
    const backoff = new Backoff({ minMs: 1, maxMs: 5_000, random: () => 1 });
    for (let failure = 0; failure < 100_000; failure++) backoff.nextMs();
    expect(backoff.nextMs()).toBe(5_000);
  });

  test("waits by the sleep that it was given, and hands the signal on", async () => {
    const sleep = vi.fn(async () => undefined);
    const { signal } = new AbortController();
    const backoff = new Backoff({ minMs: 10, maxMs: 100, random: () => 1, sleep });
    await backoff.wait(signal);
    await backoff.wait();
    expect(sleep.mock.calls).toEqual([
      [10, signal],
      [20, undefined],
    ]);
  });

  test("a wait ends early when the signal aborts", async () => {
    const stop = new AbortController();
    const wait = new Backoff({ minMs: 600_000, maxMs: 600_000 }).wait(stop.signal);
    stop.abort();
    await wait;
  });
});

describe("Wakeup", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** What the wait said and when, in ms from now. */
  async function timed(wait: Promise<boolean>) {
    const started = performance.now();
    let result: { woken: boolean; ms: number } | undefined;
    void wait.then((woken) => (result = { woken, ms: performance.now() - started }));
    await vi.advanceTimersByTimeAsync(0);
    while (result === undefined && vi.getTimerCount() > 0) await vi.advanceTimersToNextTimerAsync();
    expect(vi.getTimerCount()).toBe(0);
    return result;
  }

  test("times out when nobody calls", async () => {
    expect(await timed(new Wakeup().wait(80))).toEqual({ woken: false, ms: 80 });
  });

  test("a call while it waits ends the wait", async () => {
    const wakeup = new Wakeup();
    setTimeout(() => wakeup.wake(), 30);
    expect(await timed(wakeup.wait(80))).toEqual({ woken: true, ms: 30 });
  });

  test("a call before it waits is not lost, and many are one", async () => {
    const wakeup = new Wakeup();
    wakeup.wake();
    wakeup.wake();
    expect(await timed(wakeup.wait(80))).toEqual({ woken: true, ms: 0 });
    expect(await timed(wakeup.wait(80))).toEqual({ woken: false, ms: 80 });
  });

  test("a call after a time-out counts for the next wait", async () => {
    const wakeup = new Wakeup();
    expect(await timed(wakeup.wait(80))).toEqual({ woken: false, ms: 80 });
    wakeup.wake();
    expect(await timed(wakeup.wait(80))).toEqual({ woken: true, ms: 0 });
  });

  test("ends when the signal aborts, and does not begin after that", async () => {
    const wakeup = new Wakeup();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);
    expect(await timed(wakeup.wait(80, stop.signal))).toEqual({ woken: false, ms: 30 });
    expect(await timed(wakeup.wait(80, stop.signal))).toEqual({ woken: false, ms: 0 });
    wakeup.wake();
    expect(await timed(wakeup.wait(80, stop.signal))).toEqual({ woken: true, ms: 0 });
  });

  test("leaves no listener on a signal that outlives it", async () => {
    const wakeup = new Wakeup();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    for (let round = 0; round < 50; round++) {
      if (round % 2 === 0) setTimeout(() => wakeup.wake(), 5);
      await timed(wakeup.wait(10, signal));
    }
    expect(added).toHaveBeenCalledTimes(50);
    expect(removed).toHaveBeenCalledTimes(50);
  });

  /** One producer that stores and then wakes, one consumer that waits and then takes all. */
  test("nothing that was stored before a call is left lying, however the two interleave", async () => {
    const hops = fc.array(fc.nat(6), { minLength: 1, maxLength: 30 });
    const pause = async (count: number) => {
      for (let hop = 0; hop < count; hop++) await Promise.resolve();
    };
    await fc.assert(
      fc.asyncProperty(hops, hops, async (producing, consuming) => {
        const wakeup = new Wakeup();
        let stored = 0;
        let taken = 0;
        let timeouts = 0;
        const produce = async () => {
          for (const count of producing) {
            await pause(count);
            stored++;
            wakeup.wake();
          }
        };
        const consume = async () => {
          for (let round = 0; taken < producing.length; round++) {
            if (!(await wakeup.wait(1_000))) {
              timeouts++;
              return;
            }
            taken = stored;
            await pause(consuming[round % consuming.length] ?? 0);
          }
        };
        const both = Promise.all([produce(), consume()]);
        await vi.advanceTimersByTimeAsync(1_000);
        await both;
        expect({ taken, timeouts }).toEqual({ taken: producing.length, timeouts: 0 });
      }),
    );
  });

  test("a call at the very time of the time-out is seen by this wait or by the next", async () => {
    for (const wakeFirst of [true, false]) {
      const wakeup = new Wakeup();
      if (wakeFirst) setTimeout(() => wakeup.wake(), 50);
      const wait = wakeup.wait(50);
      if (!wakeFirst) setTimeout(() => wakeup.wake(), 50);
      await vi.advanceTimersByTimeAsync(50);
      const seen = [await wait, (await timed(wakeup.wait(10)))?.woken];
      expect(seen.filter(Boolean)).toHaveLength(1);
    }
  });
});
