import { type Json } from "@/lib/db/conflicts/conflict-record";
import { type VectorClock } from "@/lib/db/conflicts/vector-clock";
import { toVersion, type Held, type Joined, type RegisterType } from "./register";
import { hasSeen, isLater, stampOnly, type Stamp } from "./stamp";

type Sibling = Stamp & { readonly v: Json };

/** A sibling, with the clock of the version of the row that it was found in. */
interface Found {
  readonly sibling: Sibling;
  readonly clock: VectorClock;
}

/** A single version is stored as its stamp alone: its value is the column's. */
function listOf({ state, value, clock }: Held): Found[] {
  const siblings = Array.isArray(state)
    ? (state as readonly Sibling[])
    : [{ ...stampOnly(state as Stamp), v: value }];
  return siblings.map((sibling) => ({ sibling, clock }));
}

const isIn = (list: readonly Found[], { sibling: { o, n } }: Found) =>
  list.some(({ sibling }) => sibling.o === o && sibling.n === n);

function toRegister(list: readonly Found[], isNew: boolean): Joined {
  const sorted = [...list].sort((a, b) => (isLater(a.sibling, b.sibling) ? -1 : 1));
  const first = (sorted[0] as Found).sibling;
  if (sorted.length === 1) return { state: stampOnly(first), value: first.v, versions: null };
  const versions = sorted.map(({ sibling, clock }, index) =>
    toVersion(sibling.v, clock, sibling, index === 0),
  );
  return {
    state: sorted.map(({ sibling }) => sibling),
    value: first.v,
    versions: isNew ? versions : null,
  };
}

/**
 * Multi-value register (Shapiro et al., 2011, 3.2.2; siblings in DeCandia et al., 2007): every write
 * that no other has seen is kept until somebody chooses. The latest is shown meanwhile. A custom
 * strategy chooses by a function that the leader alone runs.
 */
export const siblings: RegisterType = {
  initial: (zero) => zero,
  join(a, b) {
    const [left, right] = [listOf(a), listOf(b)];
    const list = [
      ...left.filter((found) => isIn(right, found) || !hasSeen(b.clock, found.sibling)),
      ...right.filter((found) => !hasSeen(a.clock, found.sibling)),
    ];
    const isThatOf = (one: readonly Found[]) =>
      list.length === one.length && list.every((found) => isIn(one, found));
    // What one side has already was recorded when it came to be.
    return toRegister(list, !isThatOf(left) && !isThatOf(right));
  },
  write(old, { stamp, value, base, clock }) {
    const unseen = listOf(old).filter(({ sibling }) => base !== null && !hasSeen(base, sibling));
    const list = [...unseen, { sibling: { ...stamp, v: value }, clock }];
    return { ...toRegister(list, true), kept: false };
  },
};
