import { isRead, workloadOf } from "@/scripts/drill/chaos/calls";
import { phaseAtMs, type Operation } from "@/scripts/drill/chaos/history";
import type { Checker, Run } from "./run";

/** From the end of the last fault until writes of every kind succeed again, from every region, in ms. */
export const ALIVE_WITHIN_MS = 15_000;

/** Faults end; and once none is left, each workload and each region has a write acknowledged within a bounded time. */
export const liveness: Checker = {
  name: "liveness",
  check(run) {
    const open = new Set<number>();
    for (const event of run.events) {
      if (event.type !== "fault") continue;
      if (event.phase === "begin") open.add(event.fault);
      else open.delete(event.fault);
    }
    const found = [...open].map((fault) => `Fault ${fault} was not undone`);
    const healedMs = phaseAtMs(run.events, "healed");
    if (healedMs === null) return [...found, "The faults were never all undone"];
    return [...found, ...silent(run, healedMs)];
  },
};

function silent({ operations }: Run, fromMs: number): string[] {
  const writes = operations.filter(({ name }) => !isRead(name));
  const works = (matches: (operation: Operation) => boolean) =>
    writes.some(
      (operation) =>
        operation.outcome === "ok" &&
        operation.invokedMs >= fromMs &&
        operation.endedMs <= fromMs + ALIVE_WITHIN_MS &&
        matches(operation),
    );
  const kinds = new Set(writes.map(({ name }) => workloadOf(name)));
  // Too rare to be waited for.
  kinds.delete("canary");
  const vantages = [...new Set(writes.map(({ vantage }) => vantage))];
  return [
    ...[...kinds]
      .filter((kind) => !works(({ name }) => workloadOf(name) === kind))
      .map((kind) => `No write of ${kind}`),
    ...vantages
      .filter((region) => !works(({ vantage }) => vantage === region))
      .map((region) => `No write from ${region}`),
  ].map((what) => `${what} was acknowledged within ${ALIVE_WITHIN_MS} ms of the last fault`);
}
