import type { EntityType } from "@/lib/db/conflicts/entities";
import type { Durability } from "@/lib/db/conflicts/policy";
import { GeoReplicationCoordinator } from "@/lib/db/geo-replication";
import type { RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime } from "@/lib/db/regions/runtime";
import { confirmWrite, type Confirmation } from "./confirm-write";
import { placeWrite, type Attempt, type PlacedWrite, type PlaceOptions } from "./place-write";

/** What a database returns of a row that it wrote. */
interface WrittenRow {
  id: string;
  origin: string;
  position: bigint;
}

export type RowWrite<T> =
  | (Extract<PlacedWrite<T>, { kind: "placed" }> & { confirmation: Confirmation })
  | Exclude<PlacedWrite<T>, { kind: "placed" }>;

export interface WriteRowOptions extends PlaceOptions {
  durability?: Durability;
  /** How long to wait for other regions to confirm it, in ms. */
  confirmMs?: number;
}

/**
 * Writes a row where its entity's topology says, and waits for as many regions to have it as that and
 * the durability ask for. The caller notes the row in the session. See placeWrite for `attempt`.
 */
export async function writeRow<T extends WrittenRow>(
  entityType: EntityType,
  vantage: RegionId,
  attempt: Attempt<T>,
  options: WriteRowOptions = {},
): Promise<RowWrite<T>> {
  const { runtime = defaultRuntime, durability, confirmMs } = options;
  const placed = await placeWrite(entityType, vantage, attempt, options);
  if (placed.kind !== "placed") return placed;
  const { id, origin, position } = placed.value;
  const event = { entityType, entityId: id, origin, position };
  await new GeoReplicationCoordinator(runtime).publishWrite(event, vantage);
  const asked = { durability, timeoutMs: confirmMs, runtime };
  return { ...placed, confirmation: await confirmWrite(vantage, event, asked) };
}
