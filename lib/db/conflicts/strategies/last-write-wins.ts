import { choice, isStale, written, type Held, type RegisterType } from "./register";
import { isLater, type Stamp } from "./stamp";

/**
 * Last-write-wins register (Shapiro et al., 2011: "A comprehensive study of convergent and
 * commutative replicated data types", 3.2.1), ordered by HLC and then by actor. The state is the
 * stamp of the write. HLC order agrees with causal order, so a write never loses to one that it has
 * seen; the wall clock alone would under skew.
 */
export const lastWriteWins: RegisterType = {
  initial: (zero) => zero,
  join(a, b) {
    const [winner, loser] = order(a, b);
    return { state: winner.state, value: winner.value, versions: choice(winner, loser) };
  },
  write(old, write) {
    const versions = isStale(old, write) ? written(old, write) : null;
    return { state: write.stamp, value: write.value, versions, kept: false };
  },
};

const order = (a: Held, b: Held) =>
  isLater(b.state as Stamp, a.state as Stamp) ? ([b, a] as const) : ([a, b] as const);

/**
 * The materialised text of a Yjs document. The text itself is merged from its updates; the column
 * holds what the region that wrote last made of those it had, until it is made anew. Nothing is
 * lost with it, so no choice is recorded.
 */
export const text: RegisterType = {
  ...lastWriteWins,
  join: (a, b) => ({ ...lastWriteWins.join(a, b), versions: null }),
  write: (_, write) => ({ state: write.stamp, value: write.value, versions: null, kept: false }),
};
