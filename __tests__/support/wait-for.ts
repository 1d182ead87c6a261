export interface WaitOptions {
  timeoutMs?: number;
  intervalMs?: number;
  /** What is awaited, for the message. */
  what?: string;
}

type Truthy<T> = Exclude<T, false | null | undefined | 0 | 0n | "">;

/**
 * Polls until the condition gives something truthy, and returns that. A condition that throws
 * counts as not yet true; its last error is the cause of the failure.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, intervalMs = 20, what = "the condition" }: WaitOptions = {},
): Promise<Truthy<T>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    let failure: unknown;
    try {
      const value = await condition();
      if (value) return value as Truthy<T>;
      last = value;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) {
      const seen = failure === undefined ? `it gave ${String(last)}` : "it threw";
      throw new Error(`Waited ${timeoutMs} ms for ${what}: ${seen}.`, { cause: failure });
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}

/** Until a count has stood still for a while: what was begun and is not waited for has ended by then. */
export async function untilSteady(count: () => number): Promise<void> {
  for (let last = Number.NaN; last !== count();) {
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
