import { createHash } from "node:crypto";
import { z } from "zod";
import { mergeClocks, type VectorClock } from "./vector-clock";

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a caller of `attemptWrite` may ask for instead of the entity's declared strategy. */
export const WRITE_STRATEGIES = [
  "last-write-wins",
  "first-write-wins",
  "merge",
  "manual",
  "custom",
] as const;
export type WriteStrategy = (typeof WRITE_STRATEGIES)[number];

/**
 * `kept`: the version that won. `restored`: one that lost. `edited`: neither. `computed`: by a
 * custom strategy.
 */
export const CHOICES = ["kept", "restored", "edited", "computed"] as const;
export type Choice = (typeof CHOICES)[number];

/** The field of a record that is about all columns of a row. */
export const WHOLE_ROW = "*";
/** The field of a record about a deletion against an update. */
export const DELETION = "$deleted";

/** One of the versions that had not seen each other. */
export interface ConflictVersion {
  value: Json;
  /** The clock of the row that held it. Of a write that was refused: its base version. */
  clock: VectorClock;
  /** 19 decimal digits, so that text order is the order of numbers. */
  hlc: string;
  /** The actor that wrote it, and its count in the clock then. 0 for one that was never stored. */
  origin: string;
  count: number;
  author: string | null;
  won: boolean;
}

const clock = z.record(z.string(), z.number().int().nonnegative());

const version = z.object({
  value: z.json(),
  clock,
  hlc: z.string().regex(/^[0-9]{1,19}$/),
  origin: z.string(),
  count: z.number().int().nonnegative(),
  author: z.string().nullish().default(null),
  won: z.boolean(),
});

/** The versions of a record, the winner first. What is not a version is left out. */
export function parseVersions(value: unknown): ConflictVersion[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) => {
    const parsed = version.safeParse(entry);
    return parsed.success ? [parsed.data] : [];
  });
}

/** The least clock that includes all the versions: the base of a decision about them. */
export function joinedClock(versions: readonly { clock: VectorClock }[]): VectorClock {
  return versions.reduce<VectorClock>((joined, { clock }) => mergeClocks(joined, clock), {});
}

export function hlcText(hlc: bigint): string {
  return hlc.toString().padStart(19, "0");
}

/**
 * The id of what is recorded about these versions, the same wherever and however often it is
 * recorded.
 *
 * @param parts dots ("actor:count") of stored versions; of one that was never stored, its content
 */
export function conflictId(
  entityType: string,
  entityId: string,
  field: string,
  parts: readonly string[],
): string {
  const text = [entityType, entityId, field, ...[...parts].sort()].join("|");
  return createHash("md5").update(text).digest("hex");
}

/** By value; the order of an object's keys means nothing, as in jsonb. */
export function sameJson(a: Json, b: Json): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: Json): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
