import { z } from "zod";
import { REGIONS, type RegionId } from "@/lib/db/multi-region-config";
import { baseVersion, residency, storable } from "@/lib/documents/validation";
import { BODY_MAX, SLUG_MAX, TITLE_MAX } from "./types";
import { MOVES } from "./workflow";

const number = new Intl.NumberFormat("en");

/** Names of pages beside the articles. */
const RESERVED: readonly string[] = ["manage", "new", "edit", "api"];

/** Letters of one case and digits alone, so that no two of them look alike in an address. */
const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

export const slug = z
  .string({ error: "The address must be text." })
  .trim()
  .min(1, "Give the article an address.")
  .max(SLUG_MAX, `An address is at most ${SLUG_MAX} characters long.`)
  .regex(SLUG, "Use small letters, digits and single hyphens, such as “ships-in-port”.")
  .refine((value) => !RESERVED.includes(value), { message: "That address is taken by the site." });

export const title = storable(
  z
    .string({ error: "The title must be text." })
    .trim()
    .min(1, "Give the article a title.")
    .max(TITLE_MAX, `A title is at most ${TITLE_MAX} characters long.`),
  "The title",
);

export const body = storable(
  z
    .string({ error: "The text must be text." })
    .max(BODY_MAX, `An article is at most ${number.format(BODY_MAX)} characters long.`)
    .refine((value) => value.trim().length > 0, {
      message: "Write something first: an article can't be empty.",
    }),
  "The text",
);

/** Also of an article that is there already. */
const contentId = z
  .string({ error: "The article is missing." })
  .regex(SLUG, "There is no such article.")
  .max(SLUG_MAX, "There is no such article.");

export const createContentInput = z.strictObject({
  slug,
  title,
  body,
  residency: residency.optional(),
});
export const articleResidencyInput = z.strictObject({
  contentId,
  residency: residency.nullable(),
});
export const updateContentInput = z.strictObject({
  contentId,
  baseVersion,
  title: title.optional(),
  body: body.optional(),
});
export const moveContentInput = z
  .strictObject({
    contentId,
    baseVersion,
    move: z.enum(MOVES, { error: "That is nothing that can be done." }).exclude(["edit"]),
    publishAt: z.iso
      .datetime({ offset: true, error: "Give the day and the time, in UTC." })
      .transform((value) => Date.parse(value))
      .refine((ms) => ms < 1e13, { message: "That is too far away." })
      .optional(),
    versionId: z.string().min(1).max(120).optional(),
  })
  .refine((input) => input.move !== "schedule" || input.publishAt !== undefined, {
    message: "Give the day and the time, in UTC.",
    path: ["publishAt"],
  });
export const forceSyncInput = z.strictObject({
  contentId,
  sourceRegion: z
    .string()
    .refine((id): id is RegionId => REGIONS.some((region) => region.id === id), {
      message: "There is no such region.",
    }),
});
export const contentIdInput = z.strictObject({ contentId });
