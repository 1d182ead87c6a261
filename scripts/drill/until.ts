import { systemSleep } from "@/lib/clock";

/** Asks until it holds; a question that fails counts as no. Throws, naming `what`, once the time is over. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  { timeoutMs = 120_000, everyMs = 100 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    if (await condition().catch(() => false)) return;
    await systemSleep(everyMs);
  }
  throw new Error(`Waited ${timeoutMs} ms for ${what}`);
}
