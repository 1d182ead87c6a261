import { entityAccess, type EntityType } from "@/lib/db/conflicts/entities";
import type { Durability } from "@/lib/db/conflicts/policy";
import type { WriteEvent } from "@/lib/db/geo-replication";
import { WriteHistory, formatSteps, type WriteStep } from "@/lib/db/failover/write-history";
import { isActor, regionOfActor, type RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime } from "@/lib/db/regions/runtime";
import { getLogger } from "@/lib/log";
import { confirmWrite, type Confirmation } from "./confirm-write";
import {
  isLed,
  placeWrite,
  type Attempt,
  type PlacedWrite,
  type PlaceOptions,
} from "./place-write";

/** What a database returns of a row that it wrote. */
export interface WrittenRow {
  id: string;
  origin: string;
  position: bigint;
}

export type RowWrite<T> =
  /** Acknowledged, unless the confirmation is `indeterminate`. */
  | (Extract<PlacedWrite<T>, { kind: "placed" }> & {
      confirmation: Confirmation;
      /** What it met on its way. */
      history: readonly WriteStep[];
    })
  | Exclude<PlacedWrite<T>, { kind: "placed" }>;

export interface WriteRowOptions extends Omit<PlaceOptions, "again" | "history"> {
  /** By default the entity's. */
  durability?: Durability;
  /** How long to wait for other regions to confirm it, in ms. */
  confirmMs?: number;
}

/** How long to look for a leader that takes a row and keeps the lead until it is confirmed, in ms. */
const WAIT_MS = 5_000;

/**
 * Writes a row where its entity's topology says, and waits for as many regions to have it as that and
 * the durability ask for. Should the lead move before that, the write is made again under the next
 * leader. The caller notes the row in the session. Throws what `attempt` throws for reasons of its own.
 *
 * @param attempt see placeWrite; returns the row's stamp, also of a row that it only found
 */
export async function writeRow<T extends WrittenRow>(
  entityType: EntityType,
  vantage: RegionId,
  attempt: Attempt<T>,
  options: WriteRowOptions = {},
): Promise<RowWrite<T>> {
  const { runtime = defaultRuntime, waitMs = WAIT_MS, durability, confirmMs } = options;
  const led = isLed(entityType, runtime);
  const history = new WriteHistory();
  const startedMs = performance.now();
  const leftMs = () => Math.max(0, waitMs - (performance.now() - startedMs));
  let unconfirmed: RowWrite<T> | null = null;
  for (;;) {
    const placed: PlacedWrite<T> = await placeWrite(
      entityType,
      vantage,
      led ? stampedByLeader(entityType, attempt) : attempt,
      { waitMs: leftMs(), again: unconfirmed !== null, history, runtime },
    );
    if (placed.kind !== "placed") return tell(entityType, unconfirmed ?? placed, history);
    // Not waited for: the publisher finds the write by itself, and Redis may be away.
    void runtime().wake(vantage, placed.regionId, placed.value.position);
    const { id, origin, position } = placed.value;
    const event: WriteEvent = { entityType, entityId: id, origin, position };
    const asked = { durability, timeoutMs: confirmMs, runtime };
    const confirmation: Confirmation = await history.step(
      "quorum",
      placed.regionId,
      () => confirmWrite(vantage, event, asked),
      (answer) => (answer.kind === "indeterminate" ? answer.detail : answer.kind),
    );
    const written: RowWrite<T> = { ...placed, confirmation, history: history.steps };
    if (confirmation.kind !== "indeterminate" || !led || leftMs() === 0) {
      return tell(entityType, written, history);
    }
    unconfirmed = written;
  }
}

/** Whoever operates this has to see why a user was told that nobody knows. */
function tell<T>(entityType: EntityType, outcome: RowWrite<T>, history: WriteHistory): RowWrite<T> {
  const known = { ...outcome, history: history.steps };
  const indeterminate =
    outcome.kind === "indeterminate" ||
    (outcome.kind === "placed" && outcome.confirmation.kind === "indeterminate");
  if (indeterminate) {
    getLogger("writes").warn(
      { entityType, steps: formatSteps(known.history) },
      "What became of a write is not known.",
    );
  }
  return known;
}

/** A row of a former leader that the next one took over is in no quorum of the new epoch by itself. */
function stampedByLeader<T extends WrittenRow>(
  entityType: EntityType,
  attempt: Attempt<T>,
): Attempt<T> {
  return async (db, region) => {
    const found = await attempt(db, region);
    if (isActor(found.origin) && regionOfActor(found.origin) === region) return found;
    await entityAccess(entityType).rewrite(db, found.id);
    return attempt(db, region);
  };
}
