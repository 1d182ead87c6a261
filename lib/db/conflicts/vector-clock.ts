import { isActor } from "@/lib/db/regions/region-id";

/**
 * For each actor how many of its writes a version includes (Parker et al., 1983). A missing actor
 * counts as 0. `mr.clock_compare` and `mr.clock_join` in the database are the same functions.
 */
export type VectorClock = Readonly<Record<string, number>>;

export type ClockOrder = "before" | "after" | "concurrent" | "equal";

const entry = (clock: VectorClock, actor: string): number =>
  Object.hasOwn(clock, actor) ? (clock[actor] ?? 0) : 0;

export function incrementClock(clock: VectorClock, actor: string): VectorClock {
  return fromEntries([...Object.entries(clock), [actor, entry(clock, actor) + 1]]);
}

/** How `a` stands to `b`: "before" when b includes all that a does and more. */
export function compareClocks(a: VectorClock, b: VectorClock): ClockOrder {
  let less = false;
  let greater = false;
  for (const actor of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const difference = entry(a, actor) - entry(b, actor);
    less ||= difference < 0;
    greater ||= difference > 0;
  }
  if (less && greater) return "concurrent";
  if (less) return "before";
  return greater ? "after" : "equal";
}

/** The least clock that includes both. */
export function mergeClocks(a: VectorClock, b: VectorClock): VectorClock {
  const actors = new Set([...Object.keys(a), ...Object.keys(b)]);
  return fromEntries(
    [...actors].map((actor) => [actor, Math.max(entry(a, actor), entry(b, actor))]),
  );
}

/** `Object.fromEntries` defines own properties, so that an actor named "__proto__" is one too. */
function fromEntries(entries: [string, number][]): VectorClock {
  return Object.fromEntries(entries);
}

/** Null for anything that is not counts by actor. For clocks that came from a client. */
export function parseClock(value: unknown): VectorClock | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length > 64) return null;
  const counts = entries.filter(
    (pair): pair is [string, number] =>
      isActor(pair[0]) && Number.isSafeInteger(pair[1]) && (pair[1] as number) >= 0,
  );
  return counts.length === entries.length ? fromEntries(counts) : null;
}
