import { type Json } from "@/lib/db/conflicts/conflict-record";
import { amount } from "./pn-counter";
import { type RegisterType } from "./register";
import { entryOf } from "./stamp";

type Entries = { readonly [key: string]: number };

/** `r["i>j"]`: rights that i gave to j, `r["i>i"]`: that i made; `u[i]`: that i used. */
export type Rights = { readonly r: Entries; readonly u: Entries };

const own = (actor: string) => `${actor}>${actor}`;

/** What an actor may take from the counter without asking anybody. */
export function rightsOf({ r, u }: Rights, actor: string): number {
  let rights = -(entryOf(u, actor) ?? 0);
  for (const [key, given] of Object.entries(r)) {
    const [from, to] = key.split(">");
    if (to === actor) rights += given;
    else if (from === actor) rights -= given;
  }
  return rights;
}

function valueOf({ r, u }: Rights): number {
  let value = 0;
  for (const [key, made] of Object.entries(r)) {
    const [from, to] = key.split(">");
    if (from === to) value += made;
  }
  for (const used of Object.values(u)) value -= used;
  return value;
}

function greater(a: Entries, b: Entries): Entries {
  const joined: Record<string, number> = { ...a };
  for (const [key, entry] of Object.entries(b))
    joined[key] = Math.max(entry, entryOf(joined, key) ?? 0);
  return joined;
}

/** Moves rights of `from` to another actor. Null where it has not as many. */
export function transferRights(state: Json, from: string, to: string, moved: number): Json | null {
  const { r, u } = state as Rights;
  if (to === from || !(moved > 0)) throw new RangeError("Not a transfer of rights");
  if (rightsOf({ r, u }, from) < moved) return null;
  const key = `${from}>${to}`;
  return { r: { ...r, [key]: (entryOf(r, key) ?? 0) + moved }, u };
}

/**
 * Bounded counter with escrow (Balegas et al., 2015: "Extending eventually consistent cloud
 * databases for enforcing numeric invariants"): it never falls below zero, in a partition neither,
 * because an actor takes only from rights that it holds. Each entry is written by one actor (the
 * one that gives or uses) and only grows; the join takes the greater of each.
 */
export const boundedCounter: RegisterType = {
  initial: (zero, value) => ({ r: { [own(zero.o)]: amount(value) }, u: {} }),
  join(a, b) {
    const [x, y] = [a.state as Rights, b.state as Rights];
    const state: Rights = { r: greater(x.r, y.r), u: greater(x.u, y.u) };
    return { state, value: valueOf(state), versions: null };
  },
  write(old, { stamp, value }) {
    const { r, u } = old.state as Rights;
    const delta = amount(value) - amount(old.value);
    if (delta < 0 && rightsOf({ r, u }, stamp.o) < -delta) return "no-rights";
    const state: Rights =
      delta >= 0
        ? { r: { ...r, [own(stamp.o)]: (entryOf(r, own(stamp.o)) ?? 0) + delta }, u }
        : { r, u: { ...u, [stamp.o]: (entryOf(u, stamp.o) ?? 0) - delta } };
    return { state, value: valueOf(state), versions: null, kept: false };
  },
};
