/** A page that has not asked for so long is closed, asleep, or has lost its network. */
export const SILENT_MS = 30_000;

/** Pages that show the lab now. Faults must not outlive the last one. */
export class Watchers {
  private readonly lastAskedMs = new Map<string, number>();

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  ask(page: string): void {
    this.lastAskedMs.set(page, this.nowMs());
  }

  /** Whether nobody is left. */
  leave(page: string): boolean {
    this.lastAskedMs.delete(page);
    return this.nobody();
  }

  nobody(): boolean {
    for (const [page, askedMs] of this.lastAskedMs) {
      if (this.nowMs() - askedMs > SILENT_MS) this.lastAskedMs.delete(page);
    }
    return this.lastAskedMs.size === 0;
  }
}
