import { z } from "zod";
import { REGIONS, type RegionId } from "@/lib/db/multi-region-config";
import { ENTITY_POLICIES } from "@/lib/db/conflicts/policies";

/** The word that a person types to confirm that events are thrown away. */
export const DISCARD_WORD = "discard";

const MAX_VALUES_LENGTH = 1_000_000;

/** A row of a configured region and a declared entity: no other name reaches a statement. */
export const parkedRowInput = z.object({
  region: z.custom<RegionId>((value) => REGIONS.some(({ id }) => id === value), "No such region"),
  entity: z.string().refine((name) => Object.hasOwn(ENTITY_POLICIES, name), "No such entity"),
  entityId: z.string().min(1).max(200),
});

export const lastIdInput = z.string().regex(/^[0-9]{1,18}$/);

export type ParsedValues =
  { ok: true; values: Record<string, unknown> } | { ok: false; message: string };

/** A JSON object of columns and their values, as a person typed it. */
export function parseValues(text: string): ParsedValues {
  if (text.length > MAX_VALUES_LENGTH) return { ok: false, message: "This is too long." };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const detail = error instanceof SyntaxError ? error.message : "";
    return { ok: false, message: `This is not JSON. ${detail}`.trim() };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { ok: false, message: "An object with columns and their values is needed." };
  }
  return { ok: true, values: value as Record<string, unknown> };
}
