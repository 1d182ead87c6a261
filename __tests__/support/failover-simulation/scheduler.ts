interface Event {
  readonly atMs: number;
  /** Of two at once, the one that was planned first happens first. */
  readonly order: number;
  readonly run: () => void;
}

/**
 * True time, and all that will happen, in order. Real asynchronous code runs between two events, until
 * it waits for something that only another event brings; no timer of the machine is involved.
 */
export class Scheduler {
  nowMs = 0;
  private readonly heap: Event[] = [];
  private planned = 0;
  private resumed = false;

  at(atMs: number, run: () => void): void {
    const event = { atMs: Math.max(atMs, this.nowMs), order: this.planned++, run };
    const { heap } = this;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run);
  }

  /** To be called by an event that settles a promise: what waits for it runs before the next event. */
  resume(): void {
    this.resumed = true;
  }

  /** Runs until `isOver`, which is asked after every event. */
  async run(isOver: () => boolean): Promise<void> {
    await settled();
    for (;;) {
      const event = this.take();
      if (!event) return;
      this.nowMs = event.atMs;
      event.run();
      if (this.resumed) {
        this.resumed = false;
        await settled();
      }
      if (isOver()) return;
    }
  }

  private take(): Event | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Once no promise has anything left to do: Node's ticks run after the queue of microtasks is empty. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
