import { type Json } from "@/lib/db/conflicts/conflict-record";
import { choice, isStale, refused, written, type Held, type RegisterType } from "./register";
import { isLater, type Stamp } from "./stamp";

/** By type, as the database compares the column; text by its bytes, whatever the collation. */
function compareValues(a: Json, b: Json): number {
  if (typeof a === "string" && typeof b === "string") {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  if (typeof a === typeof b && (typeof a === "number" || typeof a === "boolean")) {
    return Number(a) - Number(b);
  }
  throw new TypeError("These values have no order");
}

/**
 * Register that only grows (or only shrinks): a join semilattice by the order of its values, ties
 * by the later stamp. A write of a value that does not beat the one there changes nothing; else the
 * region that wrote it would differ from all that have seen the other. Null loses to anything.
 */
function createExtremum(direction: 1 | -1): RegisterType {
  const beats = (a: Json, b: Json) =>
    a === null || b === null ? a !== null && b === null : compareValues(a, b) * direction > 0;
  const winsOver = (a: Held, b: Held) =>
    beats(a.value, b.value) ||
    (!beats(b.value, a.value) && isLater(a.state as Stamp, b.state as Stamp));
  return {
    initial: (zero) => zero,
    join(a, b) {
      const [winner, loser] = winsOver(b, a) ? [b, a] : [a, b];
      return { state: winner.state, value: winner.value, versions: choice(winner, loser) };
    },
    write(old, write) {
      const stale = isStale(old, write);
      if (!beats(write.value, old.value)) {
        const versions = stale ? refused(old, write) : null;
        return { state: old.state, value: old.value, versions, kept: true };
      }
      const versions = stale ? written(old, write) : null;
      return { state: write.stamp, value: write.value, versions, kept: false };
    },
  };
}

export const max = createExtremum(1);
export const min = createExtremum(-1);
