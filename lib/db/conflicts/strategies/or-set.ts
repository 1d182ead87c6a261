import { type Json } from "@/lib/db/conflicts/conflict-record";
import { type RegisterType } from "./register";
import { entryOf, hasDots, joinDots, unseenDots, type Dots } from "./stamp";

type Elements = { readonly [element: string]: Dots };

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

const elementsOf = (value: Json): string[] =>
  Array.isArray(value) ? value.filter((element) => typeof element === "string") : [];

const result = (entries: [string, Dots][]) => {
  const live = entries.filter(([, dots]) => hasDots(dots));
  const value = live.map(([element]) => element).sort(byBytes);
  return { state: Object.fromEntries(live), value, versions: null };
};

/**
 * Observed-remove set (Bieniusa et al., 2012: "An optimized conflict-free replicated set"). An
 * element is in it while it has a dot, which is the write that added it. A removal clears the dots
 * that it had seen and leaves no tombstone: the row's clock says what was seen.
 */
export const orSet: RegisterType = {
  initial: (zero, value) =>
    Object.fromEntries(elementsOf(value).map((element) => [element, { [zero.o]: zero.n }])),
  join(a, b) {
    const [x, y] = [a.state as Elements, b.state as Elements];
    const elements = [...new Set([...Object.keys(x), ...Object.keys(y)])];
    return result(
      elements.map((element) => [
        element,
        joinDots(entryOf(x, element) ?? {}, a.clock, entryOf(y, element) ?? {}, b.clock),
      ]),
    );
  },
  write(old, { stamp, value, base }) {
    const before = old.state as Elements;
    const wanted = new Set(elementsOf(value));
    const stay = Object.entries(before).map(([element, dots]): [string, Dots] => [
      element,
      wanted.has(element) ? dots : unseenDots(dots, base),
    ]);
    const added = [...wanted].filter((element) => !Object.hasOwn(before, element));
    return {
      ...result([
        ...stay,
        ...added.map((element): [string, Dots] => [element, { [stamp.o]: stamp.n }]),
      ]),
      kept: false,
    };
  },
};
