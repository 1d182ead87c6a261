import type { LabEvent } from "./lab-shape";

const KEPT = 200;

/** What was done and what happened, newest first. */
export class Timeline {
  private events: LabEvent[] = [];
  private lastId = 0;

  constructor(private readonly now: () => number = Date.now) {}

  note(kind: LabEvent["kind"], text: string): void {
    const event = { id: ++this.lastId, at: new Date(this.now()).toISOString(), kind, text };
    this.events = [event, ...this.events].slice(0, KEPT);
  }

  latest(limit: number): LabEvent[] {
    return this.events.slice(0, limit);
  }
}
