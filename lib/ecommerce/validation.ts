import { z } from "zod";
import { REGIONS, type RegionId } from "@/lib/db/multi-region-config";
import { storable } from "@/lib/documents/validation";
import { MAX_QUANTITY } from "./types";

const text = (label: string) =>
  storable(
    z
      .string({ error: `${label} must be text.` })
      .min(1, `${label} is missing.`)
      .max(100, `${label} is too long to be one.`),
    label,
  );

const regionId = z
  .string()
  .refine((id): id is RegionId => REGIONS.some((region) => region.id === id), {
    message: "There is no such region.",
  });

export const reserveInput = z.strictObject({
  productId: text("The product"),
  quantity: z
    .number({ error: "Say how many." })
    .int("Only whole units are sold.")
    .min(1, "At least one.")
    .max(MAX_QUANTITY, `At most ${MAX_QUANTITY} at once.`),
  key: text("The key"),
});

export const releaseInput = z.strictObject({
  reservationId: text("The reservation"),
  regionId,
});

export const orderInput = z.strictObject({
  reservationId: text("The reservation"),
  regionId,
  key: text("The key"),
});

export const saleInput = z.strictObject({ productId: text("The product") });
