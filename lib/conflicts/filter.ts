import { z } from "zod";
import { CONFLICT_STATUSES, type ConflictFilter } from "./types";

const text = (max: number) => z.string().trim().max(max).optional().catch(undefined);

const filterInput = z.object({
  status: z.enum(CONFLICT_STATUSES).optional().catch(undefined),
  entity: text(40),
  q: text(200),
  before: text(300),
  limit: z.coerce.number().int().min(1).max(200).optional().catch(undefined),
});

/** A filter from a page's address; what is no filter is left out. */
export function parseFilter(
  params: Readonly<Record<string, string | string[] | undefined>>,
): ConflictFilter {
  const input = filterInput.parse(
    Object.fromEntries(Object.entries(params).map(([name, value]) => [name, [value].flat()[0]])),
  );
  const [detectedAt, id] = input.before?.split("_", 2) ?? [];
  const storable = (value: string | undefined) =>
    value && !value.includes("\0") && value.isWellFormed() ? value : undefined;
  return {
    status: input.status,
    entityType: storable(input.entity),
    search: storable(input.q),
    before:
      detectedAt && id && storable(id) && !Number.isNaN(Date.parse(detectedAt))
        ? { detectedAt: new Date(detectedAt).toISOString(), id }
        : undefined,
    limit: input.limit,
  };
}

/** The address of the page after a cursor, with the same filter. */
export function filterQuery({ status, entityType, search, before }: ConflictFilter): string {
  const query = new URLSearchParams();
  if (status) query.set("status", status);
  if (entityType) query.set("entity", entityType);
  if (search) query.set("q", search);
  if (before) query.set("before", `${before.detectedAt}_${before.id}`);
  const text = query.toString();
  return text ? `?${text}` : "";
}
