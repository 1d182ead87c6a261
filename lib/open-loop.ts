import { systemSleep } from "@/lib/clock";

export interface OpenLoop {
  everyMs: number;
  /** As many may be under way; while they are, none is begun. */
  maxOpen: number;
  /** Must not reject. */
  start: (turn: number) => Promise<void>;
}

/**
 * Starts work at a steady rate, whether or not earlier work has ended, until the signal aborts. Returns once nothing
 * is under way any more.
 */
export async function openLoop(
  { everyMs, maxOpen, start }: OpenLoop,
  signal: AbortSignal,
): Promise<void> {
  const open = new Set<Promise<void>>();
  for (let turn = 0; !signal.aborted; turn++) {
    if (open.size < maxOpen) {
      const work = start(turn).finally(() => open.delete(work));
      open.add(work);
    }
    await systemSleep(everyMs, signal);
  }
  await Promise.all(open);
}
