import { systemSleep } from "@/lib/clock";

/**
 * Asks until it holds; a question that fails counts as no. Throws, naming `what`, once the time is over; the last failure is
 * its cause.
 */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  { timeoutMs = 120_000, everyMs = 100 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  let cause: unknown;
  while (performance.now() < deadlineMs) {
    try {
      if (await condition()) return;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await systemSleep(everyMs);
  }
  throw new Error(`Waited ${timeoutMs} ms for ${what}`, { cause });
}
