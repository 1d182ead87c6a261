import { describe, expect, it } from "vitest";
import {
  restartDelayMs,
  Supervisor,
  UnknownProcessError,
  type Exit,
  type ManagedProcess,
} from "@/scripts/local/supervisor";

const POLICY = { killedMs: 200, crashedMs: 500, maxMs: 3_000 };
const KILLED: Exit = { code: null, signal: "SIGKILL" };
const CRASHED: Exit = { code: 1, signal: null };

class FakeProcess implements ManagedProcess {
  readonly signals: string[] = [];
  readonly exited: Promise<Exit>;
  stopped = false;
  end!: (exit: Exit) => void;

  constructor(readonly pid: number) {
    this.exited = new Promise((resolve) => (this.end = resolve));
  }

  signal(name: NodeJS.Signals): void {
    this.signals.push(name);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.end({ code: 0, signal: null });
  }
}

/** A supervisor whose waiting ends at once and is written down. */
function setUp(options: { startFails?: (attempt: number) => boolean } = {}) {
  const started: FakeProcess[] = [];
  const waits: number[] = [];
  let attempts = 0;
  let changes = 0;
  let nowMs = 0;
  const supervisor = new Supervisor({
    log: () => undefined,
    onChange: () => changes++,
    sleep: async (ms) => void waits.push(ms),
    now: () => nowMs,
  });
  const spec = {
    name: "worker",
    restart: POLICY,
    start: async () => {
      if (options.startFails?.(++attempts)) throw new Error("no");
      const process = new FakeProcess(100 + started.length);
      started.push(process);
      return process;
    },
  };
  return {
    supervisor,
    spec,
    started,
    waits,
    changes: () => changes,
    advance: (ms: number) => (nowMs += ms),
  };
}

describe("restartDelayMs", () => {
  it.each([
    [KILLED, 0, 200],
    [KILLED, 5, 200],
    [CRASHED, 0, 500],
    [CRASHED, 1, 1_000],
    [CRASHED, 9, 3_000],
    [{ code: 0, signal: null }, 0, 500],
  ])("%j the %i-th time in a row waits %i ms", (exit, inARow, expected) => {
    expect(restartDelayMs(POLICY, exit, inARow)).toBe(expected);
  });
});

describe("Supervisor", () => {
  it("starts again what was killed, soon, however often", async () => {
    const { supervisor, spec, started, waits } = setUp();
    await supervisor.add(spec);
    for (let i = 0; i < 3; i++) {
      started[i]!.end(KILLED);
      await expect.poll(() => supervisor.pidOf("worker")).toBe(101 + i);
    }
    expect(waits).toEqual([200, 200, 200]);
  });

  it("waits longer each time a process crashes, until it ran for a while", async () => {
    const { supervisor, spec, started, waits, advance } = setUp();
    await supervisor.add(spec);
    for (let i = 0; i < 3; i++) {
      started[i]!.end(CRASHED);
      await expect.poll(() => supervisor.pidOf("worker")).toBe(101 + i);
    }
    advance(60_000);
    started[3]!.end(CRASHED);
    await expect.poll(() => supervisor.pidOf("worker")).toBe(104);
    expect(waits).toEqual([500, 1_000, 2_000, 500]);
  });

  it("keeps trying when a restart fails", async () => {
    const { supervisor, spec, started, waits } = setUp({
      startFails: (attempt) => attempt === 2 || attempt === 3,
    });
    await supervisor.add(spec);
    started[0]!.end(KILLED);
    await expect.poll(() => supervisor.pidOf("worker")).toBe(101);
    expect(waits).toEqual([200, 1_000, 2_000]);
  });

  it("passes on the failure of a first start", async () => {
    const { supervisor, spec } = setUp({ startFails: () => true });
    await expect(supervisor.add(spec)).rejects.toThrow("no");
    expect(supervisor.running()).toEqual([]);
  });

  it("does not start again what it stopped, and wakes it first when it is paused", async () => {
    const { supervisor, spec, started, waits } = setUp();
    await supervisor.add(spec);
    supervisor.act("worker", "stop");
    await supervisor.stop("worker");
    expect(started[0]!.signals).toEqual(["SIGSTOP", "SIGCONT"]);
    expect(started[0]!.stopped).toBe(true);
    expect(started).toHaveLength(1);
    expect(waits).toEqual([]);
    expect(supervisor.pidOf("worker")).toBeNull();
  });

  it("tells of every end and every start", async () => {
    const { supervisor, spec, started, changes } = setUp();
    await supervisor.add(spec);
    expect(changes()).toBe(1);
    started[0]!.end(KILLED);
    await expect.poll(changes).toBe(3);
    expect(supervisor.running()).toEqual([{ name: "worker", pid: 101 }]);
  });

  it("keeps down what is held, until somebody starts it", async () => {
    const { supervisor, spec, started } = setUp();
    await supervisor.add(spec);
    supervisor.act("worker", "hold");
    expect(started[0]!.signals).toEqual(["SIGKILL"]);
    started[0]!.end(KILLED);
    await expect.poll(() => supervisor.pidOf("worker")).toBeNull();
    expect(supervisor.states()).toEqual([{ name: "worker", state: "held" }]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(started).toHaveLength(1);
    supervisor.act("worker", "start");
    await expect.poll(() => supervisor.pidOf("worker")).toBe(101);
    expect(supervisor.states()).toEqual([{ name: "worker", state: "running" }]);
  });

  it("ends a wait for a restart when it is told to start", async () => {
    const { spec, started } = setUp();
    let waits = 0;
    const supervisor = new Supervisor({
      log: () => undefined,
      onChange: () => undefined,
      sleep: (_ms, signal) =>
        new Promise((resolve) => {
          waits += 1;
          signal?.addEventListener("abort", () => resolve(), { once: true });
        }),
    });
    await supervisor.add(spec);
    started[0]!.end(KILLED);
    await expect.poll(() => waits).toBe(1);
    expect(supervisor.states()).toEqual([{ name: "worker", state: "down" }]);
    supervisor.act("worker", "start");
    await expect.poll(() => supervisor.pidOf("worker")).toBe(101);
  });

  it("ends all faults at once", async () => {
    const { supervisor, spec, started } = setUp();
    await supervisor.add(spec);
    await supervisor.add({ ...spec, name: "other" });
    supervisor.act("worker", "stop");
    supervisor.act("other", "hold");
    started[1]!.end(KILLED);
    expect(supervisor.states()).toEqual([
      { name: "worker", state: "stopped" },
      { name: "other", state: "held" },
    ]);
    await expect.poll(() => supervisor.pidOf("other")).toBeNull();
    supervisor.startAll();
    await expect.poll(() => supervisor.pidOf("other")).toBe(102);
    expect(started[0]!.signals).toEqual(["SIGSTOP", "SIGCONT"]);
    expect(supervisor.states().map(({ state }) => state)).toEqual(["running", "running"]);
  });

  it("stops what it holds", async () => {
    const { supervisor, spec, started } = setUp();
    await supervisor.add(spec);
    supervisor.act("worker", "hold");
    started[0]!.end(KILLED);
    await expect.poll(() => supervisor.pidOf("worker")).toBeNull();
    await supervisor.stop("worker");
    expect(supervisor.states()).toEqual([]);
  });

  it("refuses to act on a process it does not know", () => {
    const { supervisor } = setUp();
    expect(() => supervisor.act("nobody", "kill")).toThrow(UnknownProcessError);
  });
});
