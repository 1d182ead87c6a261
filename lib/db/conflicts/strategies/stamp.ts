import { type Hlc } from "@/lib/db/conflicts/hlc";
import { hlcText, type Json } from "@/lib/db/conflicts/conflict-record";
import { type VectorClock } from "@/lib/db/conflicts/vector-clock";

/** Which write a register's value is from, as it is stored in the column `merge`. */
export type Stamp = {
  /** HLC, as 19 decimal digits: text order is the order of numbers. */
  readonly h: string;
  /** The actor that wrote. */
  readonly o: string;
  /** How many writes of the row by that actor there were, this one included. */
  readonly n: number;
  /** Who wrote, where the entity's policy names a column for it. */
  readonly u: Json;
};

/**
 * Writes that count, each by its actor and that actor's count. One per actor is enough: a later
 * write of an actor replaces its earlier ones that it has seen, and it has seen all of them.
 */
export type Dots = { readonly [actor: string]: number };

/** An own entry. Actors and elements of sets may be named as what every object inherits. */
export const entryOf = <T>(entries: { readonly [key: string]: T }, key: string): T | undefined =>
  Object.hasOwn(entries, key) ? entries[key] : undefined;

export const makeStamp = (hlc: Hlc, actor: string, count: number, author: Json): Stamp => ({
  h: hlcText(hlc),
  o: actor,
  n: count,
  u: author,
});

/** A state that is a stamp and more, as its stamp alone. */
export const stampOnly = ({ h, o, n, u }: Stamp): Stamp => ({ h, o, n, u });

/** Actors are ASCII, so that the order of UTF-16 units is that of bytes. */
export function isLater(a: Stamp, b: Stamp): boolean {
  return a.h === b.h ? a.o > b.o : a.h > b.h;
}

export const countOf = (clock: VectorClock | Dots, actor: string): number =>
  entryOf(clock, actor) ?? 0;

/** Whether a row with this clock includes the write. */
export const hasSeen = (clock: VectorClock, { o, n }: Pick<Stamp, "o" | "n">): boolean =>
  countOf(clock, o) >= n;

/**
 * Live dots of two replicas of an observed-remove set (Bieniusa et al., 2012: "An optimized
 * conflict-free replicated set"): those that both have, and those of one that the other has not
 * seen. A dot that the other has seen and has not any more was removed there.
 */
export function joinDots(a: Dots, aClock: VectorClock, b: Dots, bClock: VectorClock): Dots {
  const joined: Record<string, number> = {};
  const keep = (dots: Dots, other: Dots, otherClock: VectorClock) => {
    for (const [actor, count] of Object.entries(dots)) {
      if (countOf(other, actor) === count || countOf(otherClock, actor) < count) {
        joined[actor] = Math.max(countOf(joined, actor), count);
      }
    }
  };
  keep(a, b, bClock);
  keep(b, a, aClock);
  return joined;
}

/** The dots that a writer who started from `base` had not seen; none where it had seen the row. */
export function unseenDots(dots: Dots, base: VectorClock | null): Dots {
  if (base === null) return {};
  return Object.fromEntries(
    Object.entries(dots).filter(([actor, count]) => countOf(base, actor) < count),
  );
}

export const hasDots = (dots: Dots): boolean => Object.keys(dots).length > 0;
