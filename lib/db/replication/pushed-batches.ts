import type { Actor } from "@/lib/db/regions/region-id";
import type { Position } from "@/lib/db/sessions/positions";
import { countEvents, joinBatches, sizeOf, type Batch } from "./batch";

/** Kept while one is applied. What does not fit is pulled later. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Events and bytes that one transaction applies at most, unless a single batch is larger. */
const MAX_APPLY_EVENTS = 5_000;
const MAX_APPLY_BYTES = 4 * 1024 * 1024;

/**
 * - `batch`: what follows on the cursor, joined.
 * - `gap`: something between the cursor and the oldest batch was not pushed, or it was pulled meanwhile.
 * - `none`: nothing new.
 *
 * `stranger`: a batch of another actor was among them, of a new incarnation or an old message.
 */
export type Taken = { stranger: boolean } & (
  { kind: "batch"; batch: Batch } | { kind: "gap" | "none" }
);

/** Batches that the origin has pushed, oldest first, until they are applied. */
export class PushedBatches {
  private queue: Batch[] = [];
  private bytes = 0;

  get isEmpty(): boolean {
    return this.queue.length === 0;
  }

  /** False where there is no room: then all are dropped. */
  add(batch: Batch): boolean {
    const bytes = sizeOf(batch);
    if (this.bytes + bytes > MAX_BYTES) {
      this.drop();
      return false;
    }
    this.queue.push(batch);
    this.bytes += bytes;
    return true;
  }

  /** Whether one of them goes on where a batch ends. */
  continues({ actor, upto }: Batch): boolean {
    return this.queue.some((next) => next.actor === actor && next.prev === upto);
  }

  /** Takes what follows on the cursor, as many as fit in one transaction. */
  take(cursor: { actor: Actor; position: Position }): Taken {
    const joined: Batch[] = [];
    let stranger = false;
    let upto = cursor.position;
    let events = 0;
    let bytes = 0;
    let next: Batch | undefined;
    while ((next = this.queue[0]) !== undefined) {
      if (next.actor === cursor.actor && next.upto > upto) {
        if (next.prev !== upto) break;
        if (joined.length > 0 && next.schemaVersion !== joined[0]?.schemaVersion) break;
        events += countEvents(next);
        bytes += sizeOf(next);
        if (joined.length > 0 && (events > MAX_APPLY_EVENTS || bytes > MAX_APPLY_BYTES)) break;
        joined.push(next);
        upto = next.upto;
      } else if (next.actor !== cursor.actor) {
        stranger = true;
      }
      this.queue.shift();
      this.bytes -= sizeOf(next);
    }
    const [first, ...following] = joined;
    if (first) return { stranger, kind: "batch", batch: joinBatches(first, ...following) };
    return { stranger, kind: next ? "gap" : "none" };
  }

  drop(): void {
    this.queue = [];
    this.bytes = 0;
  }
}
