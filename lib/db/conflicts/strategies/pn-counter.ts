import { type Json } from "@/lib/db/conflicts/conflict-record";
import { type RegisterType } from "./register";
import { entryOf } from "./stamp";

/** Per actor what it has added and what it has taken in total. Both only grow. */
type Totals = { readonly [actor: string]: readonly [added: number, taken: number] };

export const amount = (value: Json): number => (typeof value === "number" ? value : 0);

const valueOf = (state: Totals): number =>
  Object.values(state).reduce((sum, [added, taken]) => sum + added - taken, 0);

/**
 * PN-counter (Shapiro et al., 2011, 3.1.3): totals per actor, joined by the greater. Increments
 * are never replayed, so that one which arrives twice counts once. A write counts as the difference
 * to the value there, whatever its base was.
 */
export const pnCounter: RegisterType = {
  initial: (zero, value) => ({
    [zero.o]: [Math.max(amount(value), 0), Math.max(-amount(value), 0)],
  }),
  join(a, b) {
    const state: Record<string, readonly [number, number]> = { ...(a.state as Totals) };
    for (const [actor, [added, taken]] of Object.entries(b.state as Totals)) {
      const [otherAdded, otherTaken] = entryOf(state, actor) ?? [0, 0];
      state[actor] = [Math.max(added, otherAdded), Math.max(taken, otherTaken)];
    }
    return { state, value: valueOf(state), versions: null };
  },
  write(old, { stamp, value }) {
    const before = old.state as Totals;
    const delta = amount(value) - amount(old.value);
    const [added, taken] = entryOf(before, stamp.o) ?? [0, 0];
    const own = [added + Math.max(delta, 0), taken + Math.max(-delta, 0)] as const;
    const state = { ...before, [stamp.o]: own };
    return { state, value: valueOf(state), versions: null, kept: false };
  },
};
