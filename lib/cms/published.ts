import { isUnreachable } from "@/lib/db/regions/faults";
import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { findLive, findPublished, listLive } from "./public-statements";
import { RegionLooks, type Seen } from "./region-looks";
import type { PublishedContent } from "./types";

/** Characters of a text that the list shows. */
const EXCERPT = 240;

/**
 * Keeps what `load` returns under the key, and may return what it kept. The tags are for whoever wants it gone.
 * What does not exist is not kept: `load` throws then.
 */
export type ContentCache = <T>(
  key: readonly string[],
  tags: readonly string[],
  load: () => Promise<T>,
) => Promise<T>;

/** Where a public page is from. */
export interface PublicReceipt {
  /** The region whose rows it shows. */
  regionId: RegionId;
  /** The reader's. Another one where that does not answer. */
  vantage: RegionId;
  /** When what it shows was read from that region's database, ISO 8601. */
  cachedAt: string;
  /** When that region was last asked which version it has, ISO 8601. */
  lookedAt: string;
  /** False where that region does not answer and this is what it said last. */
  current: boolean;
  /** Whether the text came from the cache. */
  fromCache: boolean;
  elapsedMs: number;
}

export interface PublicAnswer<T> {
  value: T;
  receipt: PublicReceipt;
}

interface Kept<T> {
  value: T;
  cachedAt: string;
}

export const contentTag = (region: string) => `content:${region}`;

/**
 * What the public reads, as a region has it. The region is asked which version is public there (region-looks.ts);
 * the version's text never changes and is kept under that version's name. So a page changes once the region has
 * applied the change, and never before: what is kept under a name needs no message to be right.
 */
export class PublishedContentReader {
  readonly looks: RegionLooks;

  constructor(
    private readonly cache: ContentCache,
    private readonly runtime: () => Runtime = defaultRuntime,
    lookMs?: number,
  ) {
    this.looks = new RegionLooks(runtime, lookMs);
  }

  /** Null where that region has nothing public of that name. */
  read(vantage: RegionId, id: string): Promise<PublicAnswer<PublishedContent | null>> {
    return this.answer(vantage, async (region) => {
      const seen = await this.looks.at(vantage, region, `of ${id}`, (db) => findLive(db, id));
      if (seen.value === null) return nothing(seen, null);
      const live = seen.value;
      return this.kept(vantage, region, seen, ["content", region, id, live], async (db) => {
        const [found] = await findPublished(db, [versionOf(live)]);
        if (!found) throw new NotAppliedError(region);
        return found;
      });
    });
  }

  /** What is public in that region, last published first. */
  list(vantage: RegionId): Promise<PublicAnswer<PublishedContent[]>> {
    return this.answer(vantage, async (region) => {
      const seen = await this.looks.at(vantage, region, "all", listLive);
      if (seen.value.length === 0) return nothing(seen, []);
      const names = seen.value.map(({ id, live }) => `${id} ${live}`);
      return this.kept(vantage, region, seen, ["contents", region, ...names], async (db) => {
        const ids = seen.value.map(({ live }) => versionOf(live));
        const found = await findPublished(db, ids, EXCERPT);
        return ids.flatMap((id) => found.find(({ versionId }) => versionId === id) ?? []);
      });
    });
  }

  private async kept<T>(
    vantage: RegionId,
    region: RegionId,
    seen: Seen<unknown>,
    key: readonly string[],
    load: (db: ReturnType<MultiRegionDb["getReadClient"]>) => Promise<T>,
  ) {
    let fromCache = true;
    const { value, cachedAt } = await this.cache(key, [contentTag(region)], async () => {
      fromCache = false;
      const db = new MultiRegionDb(this.runtime, vantage).getReadClient(region);
      return { value: await load(db), cachedAt: new Date().toISOString() } satisfies Kept<T>;
    });
    return { seen, value, cachedAt, fromCache };
  }

  /** From the nearest region that answers. */
  private async answer<T>(
    vantage: RegionId,
    ask: (
      region: RegionId,
    ) => Promise<{ seen: Seen<unknown>; value: T; cachedAt: string; fromCache: boolean }>,
  ): Promise<PublicAnswer<T>> {
    const startedMs = performance.now();
    let failure: unknown = new Error("No region is configured");
    for (const regionId of new MultiRegionDb(this.runtime, vantage).regionsInOrder()) {
      try {
        const { seen, value, cachedAt, fromCache } = await ask(regionId);
        const receipt: PublicReceipt = {
          regionId,
          vantage,
          cachedAt,
          lookedAt: new Date(seen.lookedAt).toISOString(),
          current: seen.current,
          fromCache,
          elapsedMs: performance.now() - startedMs,
        };
        return { value, receipt };
      } catch (error) {
        if (!isUnreachable(error) && !(error instanceof NotAppliedError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }
}

/** The article names a version that is not there: it is parked as a dead letter. Another region may have it. */
class NotAppliedError extends Error {
  constructor(region: string) {
    super(`${region} does not have the version that it is to show.`);
  }
}

function nothing<T>(seen: Seen<unknown>, value: T) {
  return { seen, value, cachedAt: new Date(seen.lookedAt).toISOString(), fromCache: false };
}

function versionOf(live: string): string {
  return live.split(" ")[1] ?? "";
}
