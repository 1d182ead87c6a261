import { isActor, parseRegionIdOf, regionOfActor, type RegionId } from "./regions/region-id";
import { defaultRuntime, type Runtime } from "./regions/runtime";
import { regionIds } from "./regions/topology";
import { lagOf, type ReplicationLag } from "./replication/lags";
import { entityAccess, type EntityType } from "./conflicts/entities";

export type { ReplicationLag } from "./replication/lags";

/** A write as the database captured it. */
export interface WriteEvent {
  entityType: EntityType;
  entityId: string;
  origin: string;
  position: bigint;
}

/** How long a status answer waits for a region that this process has not heard of yet, in ms. */
const FIRST_ANSWER_MS = 1_000;

export class GeoReplicationCoordinator {
  constructor(private readonly runtime: () => Runtime = defaultRuntime) {}

  /**
   * Wakes the publisher of the region that took a write. The event itself was captured by the
   * database in the write's transaction: should this be lost, or never be called, the publisher
   * finds it a moment later. Never throws on behalf of Redis.
   */
  async publishWrite(event: WriteEvent, vantage?: RegionId): Promise<WriteEvent> {
    const { topology } = this.runtime();
    if (!isActor(event.origin)) throw new RangeError("Not the origin of a replicated row");
    const region = parseRegionIdOf(regionIds(topology), regionOfActor(event.origin));
    await this.runtime().wake(vantage ?? topology.currentRegion, region, event.position);
    return event;
  }

  /**
   * Sends a row of a region to all others once more, as a new version of it that includes what the
   * region has seen. Whether there is such a row there. Throws UnknownEntityError, UnknownRegionError.
   */
  async forceSync(entityType: string, entityId: string, sourceRegion: string): Promise<boolean> {
    const { topology, clients } = this.runtime();
    const source = parseRegionIdOf(regionIds(topology), sourceRegion);
    const db = clients.write(topology.currentRegion, source);
    const rows = await entityAccess(entityType).rewrite(db, entityId);
    await this.runtime().wake(topology.currentRegion, source);
    return rows > 0;
  }

  /**
   * Every stream between two regions, as the target's database tells it. Regions that do not
   * answer are waited for only while nothing is known of them.
   */
  async getReplicationLags(vantage?: RegionId): Promise<ReplicationLag[]> {
    const { topology, state } = this.runtime();
    const from = vantage ?? topology.currentRegion;
    const ids = regionIds(topology);
    const views = await Promise.all(
      ids.map(async (target) => {
        const known = state.latest(from, target);
        const overview = known ?? (await firstAnswer(state.refresh(from, target)));
        return { target, overview };
      }),
    );
    return views.flatMap(({ target, overview }) =>
      ids
        .filter((source) => source !== target)
        .map((source) =>
          lagOf(
            overview,
            source,
            target,
            overview ? performance.now() - overview.readAtMs : Infinity,
          ),
        ),
    );
  }
}

async function firstAnswer<T>(answer: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), FIRST_ANSWER_MS);
  });
  return Promise.race([answer.catch(() => null), timeout]).finally(() => clearTimeout(timer));
}

export const geoReplication = new GeoReplicationCoordinator();
