import { type ConflictVersion, type Json } from "@/lib/db/conflicts/conflict-record";
import { type VectorClock } from "@/lib/db/conflicts/vector-clock";
import { same } from "./same";
import { hasSeen, type Stamp } from "./stamp";

/*
 * A register is the smallest thing that is merged: a column or, under "*", all columns of a row.
 * Its state is in the row's column `merge`; without an entry there it is the one that it got by the
 * row's insert. All registers of a row share the row's vector clock as their causal context
 * (Almeida et al., 2018: "Delta state replicated data types").
 */

/** A register in one version of the row. */
export interface Held {
  readonly state: Json;
  readonly value: Json;
  /** The row's clock: everything that this state includes. */
  readonly clock: VectorClock;
}

export interface Joined {
  readonly state: Json;
  readonly value: Json;
  /** What was chosen from, the winner first; null where there was no choice to make. */
  readonly versions: readonly ConflictVersion[] | null;
}

export interface RegisterWrite {
  readonly stamp: Stamp;
  readonly value: Json;
  /** What the writer had seen, where that is less than the row; else null. */
  readonly base: VectorClock | null;
  /** The row's clock with this write. */
  readonly clock: VectorClock;
}

export interface Written extends Joined {
  /** The write lost to what was there, which stays as it was. */
  readonly kept: boolean;
}

/** `no-rights`: a bounded counter would go below what its actor may take. */
export type WriteOutcome = Written | "no-rights";

export interface RegisterType {
  /** The state by the row's insert. What equals it is not stored. */
  initial(zero: Stamp, value: Json): Json;
  /** Commutative, associative, idempotent; never loses to something that it has seen. */
  join(a: Held, b: Held): Joined;
  /** A write of another value than the one there. */
  write(old: Held, write: RegisterWrite): WriteOutcome;
}

export function toVersion(
  value: Json,
  clock: VectorClock,
  stamp: Stamp,
  won: boolean,
): ConflictVersion {
  const { h: hlc, o: origin, n: count, u } = stamp;
  return { value, clock, hlc, origin, count, author: typeof u === "string" ? u : null, won };
}

/** What is recorded where `winner` won over a version that it had not seen, nor been seen by. */
export function choice(winner: Held, loser: Held): readonly ConflictVersion[] | null {
  const [won, lost] = [winner.state as Stamp, loser.state as Stamp];
  if (hasSeen(winner.clock, lost) || hasSeen(loser.clock, won)) return null;
  if (same(winner.value, loser.value)) return null;
  return [
    toVersion(winner.value, winner.clock, won, true),
    toVersion(loser.value, loser.clock, lost, false),
  ];
}

export const isStale = (held: Held, { base }: RegisterWrite): boolean =>
  base !== null && !hasSeen(base, held.state as Stamp);

/** A stale write that took the place of what it had not seen. */
export const written = (held: Held, write: RegisterWrite) => [
  toVersion(write.value, write.clock, write.stamp, true),
  toVersion(held.value, held.clock, held.state as Stamp, false),
];

/** A stale write that lost: it is recorded, though it was never stored. */
export const refused = (held: Held, write: RegisterWrite) => [
  toVersion(held.value, held.clock, held.state as Stamp, true),
  toVersion(write.value, write.clock, write.stamp, false),
];
