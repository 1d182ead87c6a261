import { choice, isStale, refused, type RegisterType } from "./register";
import { type Stamp } from "./stamp";

/**
 * Of a write and those made on top of it: `p` has the stamps of all of them as "hlc actor", oldest
 * first, since its chapter `c` began.
 */
type Lineage = Stamp & { readonly c: number; readonly p: readonly string[] };

/** Bounds the state. A lineage that gets longer begins another chapter, which beats this one. */
export const LINEAGE_LIMIT = 32;

const markOf = (stamp: Stamp) => `${stamp.h} ${stamp.o}`;
const begin = (stamp: Stamp, chapter: number): Lineage => ({
  ...stamp,
  c: chapter,
  p: [markOf(stamp)],
});

/**
 * The later chapter wins. In the same one, the lineage whose write is the earlier where the two
 * part; where they do not part, the longer one, which continues the other. This is a lexicographic
 * order, so the join is a maximum, and every write is greater than what it was made on top of.
 *
 * "The smaller stamp of the two" is not: A@10, its successor A'@20 and a concurrent B@12 would
 * leave B where A' comes last, and A' where B meets A first.
 */
function wins(a: Lineage, b: Lineage): boolean {
  if (a.c !== b.c) return a.c > b.c;
  const fork = a.p.findIndex((entry, index) => entry !== b.p[index]);
  if (fork === -1) return false;
  const other = b.p[fork];
  return other === undefined || (a.p[fork] as string) < other;
}

/** First-write-wins register: a write loses to an earlier one that it had not seen. */
export function createFirstWriteWins(limit = LINEAGE_LIMIT): RegisterType {
  return {
    initial: (zero) => begin(zero, 0),
    join(a, b) {
      const [winner, loser] = wins(b.state as Lineage, a.state as Lineage) ? [b, a] : [a, b];
      return { state: winner.state, value: winner.value, versions: choice(winner, loser) };
    },
    write(old, write) {
      const { c, p } = old.state as Lineage;
      if (isStale(old, write)) {
        return { state: old.state, value: old.value, versions: refused(old, write), kept: true };
      }
      const state: Lineage =
        p.length >= limit
          ? begin(write.stamp, c + 1)
          : { ...write.stamp, c, p: [...p, markOf(write.stamp)] };
      return { state, value: write.value, versions: null, kept: false };
    },
  };
}

export const firstWriteWins = createFirstWriteWins();
