import type { Catalogue } from "@/scripts/drift/catalogue";

export type Difference =
  | { kind: "missing"; object: string }
  | { kind: "extra"; object: string }
  | { kind: "different"; object: string };

/** Pure: how `actual` departs from `expected`, by name of the object. */
export function compareCatalogues(expected: Catalogue, actual: Catalogue): Difference[] {
  const names = new Set([...expected.keys(), ...actual.keys()]);
  return [...names].sort().flatMap((object): Difference[] => {
    const wanted = expected.get(object);
    const found = actual.get(object);
    if (wanted === found) return [];
    if (found === undefined) return [{ kind: "missing", object }];
    return [{ kind: wanted === undefined ? "extra" : "different", object }];
  });
}
