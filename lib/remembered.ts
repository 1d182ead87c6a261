interface Entry<T> {
  value: T;
  atMs: number;
}

/**
 * Answers at once with what was read a moment ago, and reads anew behind it: for lists that are polled, and
 * whose reading waits for far regions.
 */
export class Remembered<T> {
  private readonly entries = new Map<string, Entry<T>>();
  private readonly reading = new Map<string, Promise<T>>();

  /** @param usableMs how old an answer may be that nobody waits for a newer one */
  constructor(
    private readonly usableMs: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Rejects only where nothing usable is at hand and reading fails. */
  async get(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.entries.get(key);
    const next = this.read(key, read);
    if (!known || this.nowMs() - known.atMs > this.usableMs) return next;
    next.catch(() => undefined);
    return known.value;
  }

  /** What is known is out of date: whoever asks next waits. */
  forget(): void {
    this.entries.clear();
    this.reading.clear();
  }

  /** One reading at a time for each key. */
  private read(key: string, read: () => Promise<T>): Promise<T> {
    const under = this.reading.get(key);
    if (under) return under;
    const reading = read().then((value) => {
      // What was begun before forget() is not kept.
      if (this.reading.get(key) === reading) this.entries.set(key, { value, atMs: this.nowMs() });
      return value;
    });
    this.reading.set(key, reading);
    const done = () => {
      if (this.reading.get(key) === reading) this.reading.delete(key);
    };
    reading.then(done, done);
    return reading;
  }
}
