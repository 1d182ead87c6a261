import type { Pool } from "pg";

export interface SteadyWriter {
  /** Ids of the documents whose insert was acknowledged. */
  acknowledged: string[];
  /** Writes that failed, with their SQLSTATE. */
  refused: string[];
  /** Waits for what is under way. Returns the writes per second that it achieved. */
  stop(): Promise<number>;
}

/** Inserts documents, and updates some, at a rate, in turn through the given databases. */
export function startSteadyWriter(
  pools: readonly Pool[],
  { perSecond, prefix }: { perSecond: number; prefix: string },
): SteadyWriter {
  const acknowledged: string[] = [];
  const refused: string[] = [];
  const running = new Set<Promise<void>>();
  const startedMs = performance.now();
  let started = 0;
  let done = 0;
  const write = async (n: number) => {
    const pool = pools[n % pools.length];
    const id = `${prefix}-${n}`;
    try {
      await pool?.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, $1, 'writer')`, [
        id,
      ]);
      acknowledged.push(id);
      done++;
    } catch (error) {
      refused.push((error as { code?: string }).code ?? String(error));
    }
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) / 1_000) * perSecond;
    for (; started < due && running.size < 64; started++) {
      const one: Promise<void> = write(started).finally(() => running.delete(one));
      running.add(one);
    }
  }, 5);
  return {
    acknowledged,
    refused,
    stop: async () => {
      clearInterval(timer);
      const seconds = (performance.now() - startedMs) / 1_000;
      await Promise.all(running);
      return done / seconds;
    },
  };
}
