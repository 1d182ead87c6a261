import { errorMessage } from "@/lib/errors";

export interface Asking<K, T> {
  atFirst: number;
  enough: (answers: ReadonlyMap<K, T>) => boolean;
  /** Whether what has come calls for all others. */
  more: (answers: ReadonlyMap<K, T>) => boolean;
  hedgeMs: (key: K) => number;
  isNoAnswer: (key: K, error: unknown) => boolean;
}

/**
 * Asks the first ones in parallel; another one in place of each that fails or is late, and all once
 * the answers say so. Rejects with an error that is not of a kind to be taken for no answer.
 */
export async function ask<K, T>(
  order: readonly K[],
  question: (key: K) => Promise<T>,
  { atFirst, enough, more, hedgeMs, isNoAnswer }: Asking<K, T>,
): Promise<{ answers: Map<K, T>; failures: string[] }> {
  const waiting = [...order];
  const answers = new Map<K, T>();
  const failures: string[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let open = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const next = () => {
        const key = waiting.shift();
        if (key === undefined) return;
        open += 1;
        const late = setTimeout(next, hedgeMs(key));
        timers.add(late);
        const answered = () => {
          clearTimeout(late);
          open -= 1;
        };
        question(key).then(
          (answer) => {
            answered();
            answers.set(key, answer);
            if (enough(answers)) return resolve();
            while (more(answers) && waiting.length > 0) next();
            if (open === 0) resolve();
          },
          (error: unknown) => {
            answered();
            if (!isNoAnswer(key, error)) return reject(error);
            failures.push(`${String(key)}: ${errorMessage(error)}`);
            next();
            if (open === 0) resolve();
          },
        );
      };
      for (let n = 0; n < atFirst; n++) next();
      if (open === 0) resolve();
    });
    return { answers: new Map(answers), failures };
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
