import { type Json } from "@/lib/db/conflicts/conflict-record";

/**
 * Equal as jsonb is: the order of an object's keys means nothing. Every register of every merge
 * asks this, so nothing is serialised for it.
 */
export function same(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item: Json, index) => same(item, b[index] as Json));
  }
  const [x, y] = [a as { [key: string]: Json }, b as { [key: string]: Json }];
  const keys = Object.keys(x);
  return (
    keys.length === Object.keys(y).length &&
    keys.every((key) => Object.hasOwn(y, key) && same(x[key] as Json, y[key] as Json))
  );
}
