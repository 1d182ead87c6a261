import { isActor, type Actor } from "@/lib/db/regions/region-id";

/**
 * A writing transaction's 64-bit id in its region's cluster (`xid8`), comparable within one actor
 * only. Never a `number`: it may pass 2^53.
 */
export type Position = bigint & { readonly __brand: "Position" };

/** For each actor the highest position that was written or seen, or has been applied. */
export type Positions = ReadonlyMap<Actor, Position>;

export const NOTHING: Positions = new Map();

/** Positions as JSON: decimal text by actor. */
export type PositionsJson = Readonly<Record<string, string>>;

const MAX_POSITION = 2n ** 63n - 1n;

/** Null unless the text is a decimal number from 0 to 2^63 - 1. */
export function parsePosition(text: string): Position | null {
  if (!/^[0-9]{1,19}$/.test(text)) return null;
  const value = BigInt(text);
  return value <= MAX_POSITION ? (value as Position) : null;
}

/** Throws RangeError for what is not a position. For values from our own databases. */
export function toPosition(value: bigint | string): Position {
  const position = parsePosition(value.toString());
  if (position === null) throw new RangeError("Not a position");
  return position;
}

/** Null as soon as one entry is malformed. */
export function positionsFromJson(json: PositionsJson): Positions | null {
  const positions = new Map<Actor, Position>();
  for (const [actor, text] of Object.entries(json)) {
    const position = typeof text === "string" ? parsePosition(text) : null;
    if (position === null || !isActor(actor)) return null;
    positions.set(actor, position);
  }
  return positions;
}

export function positionsToJson(positions: Positions): PositionsJson {
  return Object.fromEntries(
    [...positions].map(([actor, position]) => [actor, position.toString()]),
  );
}

/** The greater position of each actor. */
export function mergePositions(...all: readonly Positions[]): Positions {
  const merged = new Map<Actor, Position>();
  for (const positions of all) {
    for (const [actor, position] of positions) {
      if (position > (merged.get(actor) ?? -1n)) merged.set(actor, position);
    }
  }
  return merged;
}

/** What of `required` is not covered by `applied`. An actor that it lacks is at 0, before all writes. */
export function missingPositions(required: Positions, applied: Positions): Positions {
  return new Map(
    [...required].filter(([actor, position]) => position > (applied.get(actor) ?? 0n)),
  );
}

interface Stamped {
  origin: string;
  position: bigint;
}

/** Whether a value is a replicated row, as its writer or a reader gets it. */
export function isStamped(value: unknown): value is Stamped {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as Partial<Stamped>).origin === "string" &&
    typeof (value as Partial<Stamped>).position === "bigint"
  );
}

/** Positions of the replicated rows in a result: a row, or an array or an object of rows. */
export function positionsOf(result: unknown): Positions {
  const rows = isStamped(result)
    ? [result]
    : Array.isArray(result)
      ? (result as unknown[])
      : typeof result === "object" && result !== null
        ? Object.values(result).flat()
        : [];
  const positions = new Map<Actor, Position>();
  for (const row of rows) {
    if (!isStamped(row) || !isActor(row.origin)) continue;
    const position = parsePosition(row.position.toString());
    if (position !== null && position > (positions.get(row.origin) ?? -1n)) {
      positions.set(row.origin, position);
    }
  }
  return positions;
}
