import { z } from "zod";
import { REGIONS, type RegionId } from "@/lib/db/multi-region-config";
import { storable } from "@/lib/documents/validation";
import { BOARD_LIMIT } from "./leaderboard";
import { MAX_ANSWERS, ROUND } from "./round-rules";

const regionId = z
  .string({ error: "The region must be text." })
  .refine((id): id is RegionId => REGIONS.some((region) => region.id === id), {
    message: "There is no such region.",
  });

/** Of the address, where everything is text. */
export const boardInput = z.strictObject({
  region: regionId.optional(),
  limit: z
    .string()
    .regex(/^[0-9]{1,3}$/, "The limit is a whole number.")
    .transform(Number)
    .pipe(
      z
        .number()
        .min(1, "At least one.")
        .max(BOARD_LIMIT.max, `The board is shown down to place ${BOARD_LIMIT.max}.`),
    )
    .optional(),
});

export const scoreInput = z.strictObject({
  roundId: storable(
    z
      .string({ error: "The round must be text." })
      .min(1, "The round is missing.")
      .max(100, "The round is too long to be one."),
    "The round",
  ),
  regionId,
  answers: z
    .array(
      z.strictObject({
        regionId: z.string({ error: "An answer names a region." }).max(100),
        atMs: z
          .number({ error: "An answer has a time." })
          .int("A time is in whole milliseconds.")
          .min(0)
          .max(ROUND.playMs, "An answer came after the end."),
      }),
      { error: "The answers are missing." },
    )
    .max(MAX_ANSWERS, `At most ${MAX_ANSWERS} answers.`),
});
