import type { RegionId } from "./regions/region-id";
import { defaultRuntime, type Runtime } from "./regions/runtime";
import { entityAccess, type EntityType } from "./conflicts/entities";
import {
  compareClocks,
  incrementClock,
  mergeClocks,
  type ClockOrder,
  type VectorClock,
} from "./conflicts/vector-clock";

export type { EntityType } from "./conflicts/entities";
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
}

export const writeConflicts = new WriteConflictManager();
