import { z } from "zod";
import { body as articleBody, title as articleTitle } from "@/lib/cms/validation";
import { CHOICES } from "@/lib/db/conflicts/conflict-record";
import { baseVersion, content, storable, summary, title } from "@/lib/documents/validation";
import type { Json } from "./types";

const id = storable(
  z.string("The id of the conflict must be text.").min(1, "The id is missing.").max(200),
  "The id",
);

const shown = baseVersion.optional();

/** `{ take: index }`, or `{ choice, value }`; `shown` as `shown` of the conflict that was read. */
export const resolveInput = z.union(
  [
    z.object({ id, take: z.number().int().min(0).max(64), shown }),
    z.object({
      id,
      choice: z.enum(CHOICES).exclude(["computed"]),
      value: z.json() as z.ZodType<Json>,
      shown,
    }),
  ],
  "Expected { take } or { choice, value }, and optionally { shown }.",
);
export type ResolveInput = z.infer<typeof resolveInput>;

/** What a person may write into a field; the form's limits are the same as anywhere else. */
const EDITED: Readonly<Record<string, z.ZodType<string>>> = {
  "Document.title": title,
  "Document.summary": summary,
  "Document.content": content,
  "ContentItem.title": articleTitle,
  "ContentItem.body": articleBody,
};

/** A sentence about why a value is refused, or null. */
export function complaintAbout(entityType: string, field: string, value: Json): string | null {
  if (field === "*") {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    const complaints = Object.entries(value).map(([column, inner]) =>
      complaintAbout(entityType, column, inner),
    );
    return complaints.find((complaint) => complaint !== null) ?? null;
  }
  const parsed = EDITED[`${entityType}.${field}`]?.safeParse(value);
  return !parsed || parsed.success ? null : (parsed.error.issues[0]?.message ?? "Not valid.");
}
