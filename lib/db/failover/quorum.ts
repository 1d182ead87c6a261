/**
 * Waits until `enough` of the calls have succeeded, or for all of them. Those that come later are not
 * listened to.
 *
 * @returns the results that succeeded by then, by key, and what the others said
 */
export async function collect<K, T>(
  calls: ReadonlyMap<K, Promise<T>>,
  enough: (results: ReadonlyMap<K, T>) => boolean,
): Promise<Map<K, T>> {
  const results = new Map<K, T>();
  if (calls.size === 0) return results;
  await new Promise<void>((resolve) => {
    let open = calls.size;
    for (const [key, call] of calls) {
      call
        .then(
          (value) => {
            results.set(key, value);
          },
          () => undefined,
        )
        .finally(() => {
          open -= 1;
          if (open === 0 || enough(results)) resolve();
        });
    }
  });
  return new Map(results);
}

export function countWhere<T>(
  results: ReadonlyMap<unknown, T>,
  test: (value: T) => boolean,
): number {
  return [...results.values()].filter(test).length;
}
