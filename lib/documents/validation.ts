import { z } from "zod";
import { parseClock, type VectorClock } from "@/lib/db/conflicts/vector-clock";
import {
  COLLABORATOR_ROLES,
  CONTENT_MAX,
  refused,
  SUMMARY_MAX,
  TITLE_MAX,
  type Refused,
} from "./types";

const number = new Intl.NumberFormat("en");

/** Postgres stores neither U+0000 nor half of a surrogate pair; both are refused, not altered. */
export function storable(text: z.ZodString, label: string): z.ZodString {
  return text.refine((value) => !value.includes("\0") && value.isWellFormed(), {
    message: `${label} holds a character that can't be stored.`,
  });
}

const id = (label: string) =>
  storable(
    z
      .string({ error: `${label} must be text.` })
      .min(1, `${label} is missing.`)
      .max(100, `${label} is too long to be one.`),
    label,
  );

export const documentId = id("The document id");
export const userId = id("The user id");

export const title = storable(
  z
    .string({ error: "The title must be text." })
    .trim()
    .min(1, "Give the document a title.")
    .max(TITLE_MAX, `A title is at most ${TITLE_MAX} characters long.`),
  "The title",
);

export const content = storable(
  z
    .string({ error: "The content must be text." })
    .max(CONTENT_MAX, `A document is at most ${number.format(CONTENT_MAX)} characters long.`)
    .refine((value) => value.trim().length > 0, {
      message: "Write something first: a document can't be empty.",
    }),
  "The content",
);

export const summary = storable(
  z
    .string({ error: "The summary must be text." })
    .trim()
    .max(SUMMARY_MAX, `A summary is at most ${SUMMARY_MAX} characters long.`),
  "The summary",
);

const BASE_VERSION = "The base version is not a version of this document. Reload the page.";

/** The vector clock that the client started from. */
export const baseVersion = z.unknown().transform((value, context): VectorClock => {
  const clock = parseClock(value);
  if (clock !== null) return clock;
  context.addIssue({ code: "custom", message: BASE_VERSION });
  return z.NEVER;
});

export const email = storable(
  z
    .string({ error: "The e-mail address must be text." })
    .trim()
    .toLowerCase()
    .max(254, "That e-mail address is too long.")
    .regex(z.regexes.email, "That is not an e-mail address."),
  "The e-mail address",
);

export const residency = storable(
  z.string({ error: "The place must be text." }).min(1).max(40, "There is no such place."),
  "The place",
);

export const createInput = z.object({ title, content, residency: residency.optional() });
export const residencyInput = z.object({ documentId, residency: residency.nullable() });
export const accountResidencyInput = z.object({ residency: residency.nullable() });
export const updateInput = z
  .object({
    documentId,
    baseVersion,
    title: title.optional(),
    summary: summary.optional(),
    content: content.optional(),
    saveVersion: z.boolean().optional(),
  })
  .refine(
    (input) =>
      input.saveVersion === true ||
      [input.title, input.summary, input.content].some((value) => value !== undefined),
    { message: "Nothing to change." },
  );
export const contentInput = z.object({ content });
export const titleInput = z.object({ documentId, title, baseVersion });
export const textInput = z.object({ documentId, update: z.unknown() });
export const documentInput = z.object({ documentId });
export const shareInput = z.object({
  documentId,
  email,
  role: z.enum(COLLABORATOR_ROLES, { error: "Choose viewer or editor." }),
});
export const unshareInput = z.object({ documentId, userId });

export type Checked<T> = { ok: true; value: T } | Refused;

/** Parses untrusted input; a failure is a refusal with a sentence per field. */
export function check<T>(schema: z.ZodType<T>, input: unknown): Checked<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return { ok: true, value: parsed.data };
  const fields: Record<string, string> = {};
  for (const issue of parsed.error.issues) {
    const field = issue.path[0] === undefined ? "form" : String(issue.path[0]);
    fields[field] ??= issue.message;
  }
  const message = parsed.error.issues[0]?.message ?? "That input is not valid.";
  return refused("invalid", message, { fields });
}
