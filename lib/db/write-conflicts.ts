import { attemptWrite, type AttemptOutcome, type MergeFunction } from "./conflicts/attempt-write";
import type { WriteOperation } from "./conflicts/attempt-write";
import type { WriteStrategy } from "./conflicts/conflict-record";
import { declaredStrategy } from "./conflicts/declared-strategy";
import { entityAccess, type EntityType } from "./conflicts/entities";
import {
  resolveConflict,
  type Resolution,
  type ResolveOutcome,
  type WriteText,
} from "./conflicts/resolve-conflict";
import {
  compareClocks,
  incrementClock,
  mergeClocks,
  type ClockOrder,
  type VectorClock,
} from "./conflicts/vector-clock";
import { writableEntity } from "./conflicts/writable-entities";
import { parseRegionIdOf, type RegionId } from "./regions/region-id";
import { defaultRuntime, type Runtime } from "./regions/runtime";
import { regionIds } from "./regions/topology";

export type {
  AttemptOutcome,
  MergeFunction,
  MergeInput,
  WriteOperation,
} from "./conflicts/attempt-write";
export type { ConflictVersion, WriteStrategy } from "./conflicts/conflict-record";
export type { EntityType } from "./conflicts/entities";
export type {
  HeldState,
  Resolution,
  ResolveOutcome,
  WriteText,
} from "./conflicts/resolve-conflict";
export type { ClockOrder, VectorClock } from "./conflicts/vector-clock";

/** Vector clocks of versions. The clock functions are pure; constructing needs no server. */
export class WriteConflictManager {
  constructor(private readonly runtime: () => Runtime = defaultRuntime) {}

  incrementClock(clock: VectorClock, regionId: string): VectorClock {
    return incrementClock(clock, regionId);
  }

  compareClocks(a: VectorClock, b: VectorClock): ClockOrder {
    return compareClocks(a, b);
  }

  mergeClocks(a: VectorClock, b: VectorClock): VectorClock {
    return mergeClocks(a, b);
  }

  /** The clock of a row as one region has it (default: the current one); null without such a row. */
  async getVectorClock(
    entityType: EntityType,
    entityId: string,
    regionId?: RegionId,
  ): Promise<VectorClock | null> {
    const { topology, clients } = this.runtime();
    const db = clients.read(topology.currentRegion, regionId ?? topology.currentRegion);
    const row = await entityAccess(entityType).clock(db, entityId);
    return row === null ? null : (row.clock as VectorClock);
  }

  /**
   * Changes columns of a row that still is at `baseVersion`. The database compares that in the
   * write itself; where others wrote since, and in these columns, the strategy decides:
   *
   * - none given: what the entity declares, column by column, in one statement.
   * - `last-write-wins`: this write, on top of whatever is there.
   * - `first-write-wins`: what is there; outcome `kept`.
   * - `merge`, `custom`: what `merge` makes of both, computed anew until nobody was in between.
   * - `manual`: nothing is overwritten; outcome `open`.
   *
   * Whatever is not kept is recorded as a conflict's loser. The caller notes the event in the
   * session (`recordWrite`) and wakes the publisher (`publishWrite`).
   *
   * @param merge required for `merge` and `custom`; what it throws is thrown
   * @throws NotWritableError for a column that is not written through here, UnknownRegionError,
   *   TypeError without changes or without a required `merge`, and faults of the database
   */
  async attemptWrite(
    operation: WriteOperation,
    strategy?: WriteStrategy,
    merge?: MergeFunction,
  ): Promise<AttemptOutcome> {
    const { entityType } = operation;
    // Also a check of the name, which may be anything.
    writableEntity(entityType);
    const { regionId, db } = this.isLed(entityType)
      ? this.leader()
      : this.writer(operation.regionId);
    const declared = declaredStrategy;
    return attemptWrite(operation, { db, regionId, strategy, merge, declared });
  }

  /**
   * Decides a conflict, open or long resolved: writes the value as a version that includes all that
   * was shown, and the decision, in one transaction. Who may decide is the caller's to check.
   *
   * @param resolvedBy id of the user
   * @param options `regionId`: where to write (default: the current region). `writeText`: how a
   *   document's text is written; without it a decision about a text is refused as invalid
   * @throws UnknownRegionError, and faults of the database
   */
  async resolveConflict(
    conflictId: string,
    resolution: Resolution,
    resolvedBy: string,
    options: { regionId?: string; writeText?: WriteText } = {},
  ): Promise<ResolveOutcome> {
    return resolveConflict(conflictId, resolution, resolvedBy, {
      db: this.writer(options.regionId).db,
      leader: (entityType) => (this.isLed(entityType) ? this.leader().db : null),
      writeText: options.writeText,
    });
  }

  private isLed(entityType: EntityType): boolean {
    return this.runtime().policy(entityType).topology === "single-leader";
  }

  private writer(wanted: string | undefined) {
    const { topology, clients } = this.runtime();
    const vantage = topology.currentRegion;
    const regionId = wanted === undefined ? vantage : parseRegionIdOf(regionIds(topology), wanted);
    return { regionId, db: clients.write(vantage, regionId) };
  }

  private leader() {
    const { topology, state } = this.runtime();
    return this.writer(state.leader(topology.currentRegion).region);
  }
}

export const writeConflicts = new WriteConflictManager();
