import { isUnreachable, sqlState } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { errorMessage } from "@/lib/errors";

/** One step of a write on its way to an answer, for whoever asks why it took so long or came to none. */
export interface WriteStep {
  /** Of what: a write that was tried, a lease that was asked about, news that were waited for, or a quorum. */
  kind: "attempt" | "lease" | "news" | "quorum";
  /** That was asked; of news, the one that led until then. */
  regionId: RegionId;
  /** Since the write began, in ms. */
  atMs: number;
  tookMs: number;
  answer: string;
}

/** Of a write that is tried for ever so long, the first and the last steps are kept, so many of each. */
const KEPT = 16;

/** What one write met, over all its attempts. Never what it wrote. */
export class WriteHistory {
  private readonly startedMs = performance.now();
  private readonly first: WriteStep[] = [];
  private readonly last: WriteStep[] = [];

  /** Runs a step, and notes what came of it. */
  async step<T>(
    kind: WriteStep["kind"],
    regionId: RegionId,
    run: () => Promise<T>,
    answerOf: (value: T) => string = () => "done",
  ): Promise<T> {
    const sentMs = performance.now();
    const note = (answer: string) =>
      this.add({
        kind,
        regionId,
        atMs: Math.round(sentMs - this.startedMs),
        tookMs: Math.round(performance.now() - sentMs),
        answer,
      });
    try {
      const value = await run();
      note(answerOf(value));
      return value;
    } catch (error) {
      note(sayOf(error));
      throw error;
    }
  }

  get steps(): readonly WriteStep[] {
    return [...this.first, ...this.last];
  }

  private add(step: WriteStep): void {
    if (this.first.length < KEPT) {
      this.first.push(step);
      return;
    }
    this.last.push(step);
    if (this.last.length > KEPT) this.last.shift();
  }
}

/** What databases and Prisma say quotes rows; a code says enough. */
function sayOf(error: unknown): string {
  const code = sqlState(error);
  if (code !== undefined) return code;
  if (isUnreachable(error)) return errorMessage(error);
  return error instanceof Error ? error.name : "failed";
}

/** One line: what was asked of whom, when and for how long, and the answer. */
export function formatSteps(steps: readonly WriteStep[]): string {
  return steps
    .map(
      ({ kind, regionId, atMs, tookMs, answer }) =>
        `${atMs}+${tookMs} ms ${kind} ${regionId}: ${answer}`,
    )
    .join("; ");
}
