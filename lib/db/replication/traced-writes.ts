import { parsePosition, type Position } from "@/lib/db/sessions/positions";
import { isTraceparent } from "@/lib/telemetry/traces";

/** A write and the trace that it was made in. */
export interface TracedWrite {
  position: Position;
  traceparent: string;
}

/** Writes that are remembered until they are published. */
const MAX_NOTED = 1_000;

/** What a committed write says to its region's publisher. */
export function toWake(position: bigint | undefined, traceparent: string | null): string {
  return position === undefined || traceparent === null ? "" : `${position} ${traceparent}`;
}

/** Null for a wake-up that says nothing of a trace, or nonsense. */
export function fromWake(text: string): TracedWrite | null {
  const [digits = "", traceparent = "", ...rest] = text.split(" ");
  const position = parsePosition(digits);
  if (position === null || rest.length > 0 || !isTraceparent(traceparent)) return null;
  return { position, traceparent };
}

/** Traces of writes that have not been published yet. */
export class TracedWrites {
  private noted: TracedWrite[] = [];

  note(write: TracedWrite): void {
    this.noted.push(write);
    if (this.noted.length > MAX_NOTED) this.noted.shift();
  }

  /** Those that a batch has, no longer remembered; what is older was published before it was noted. */
  take(prev: Position, upto: Position): TracedWrite[] {
    const taken = this.noted.filter(({ position }) => position > prev && position <= upto);
    this.noted = this.noted.filter(({ position }) => position > upto);
    return taken;
  }
}
