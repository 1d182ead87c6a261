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
  /** Whether the reader's region must not have it. Then it is kept nowhere on the way. */
  keptElsewhere: boolean;
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

interface Found<T> {
  seen: Seen<unknown>;
  value: T;
  cachedAt: string;
  fromCache: boolean;
  keptElsewhere: boolean;
  /** Where it may be, if this region lacks it. */
  elsewhere: readonly string[] | null;
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

  /** Null where that region has nothing public of that name, and no other one is said to have it. */
  read(vantage: RegionId, id: string): Promise<PublicAnswer<PublishedContent | null>> {
    return this.answer(vantage, async (region) => {
      const seen = await this.looks.at(vantage, region, `of ${id}`, (db) => findLive(db, id));
      const { live, regions } = seen.value;
      // On its way to a region it is still where it was.
      if (live === null) return nothing(seen, null, regions);
      const key = mayBeIn(vantage, regions) ? ["content", region, id, live] : null;
      return this.kept(vantage, region, seen, key, async (db) => {
        const [found] = await findPublished(db, [versionOf(live)]);
        if (!found) throw new NotAppliedError(region);
        return found;
      });
    });
  }

  /** What is public in that region, last published first. Not what that region must not have. */
  list(vantage: RegionId): Promise<PublicAnswer<PublishedContent[]>> {
    return this.answer(vantage, async (region) => {
      const seen = await this.looks.at(vantage, region, "all", listLive);
      // Another region's, while that of the reader does not answer.
      const shown = seen.value.filter(({ regions }) => mayBeIn(vantage, regions));
      if (shown.length === 0) return nothing(seen, [], null);
      const key = ["contents", region, ...shown.map(({ id, live }) => `${id} ${live}`)];
      return this.kept(vantage, region, seen, key, async (db) => {
        const ids = shown.map(({ live }) => versionOf(live));
        const found = await findPublished(db, ids, EXCERPT);
        const value = ids.flatMap((id) => found.find(({ versionId }) => versionId === id) ?? []);
        // A moved article's versions come after it, and one may be parked: the rest is shown, and not kept.
        if (value.length < ids.length) throw new IncompleteError(value);
        return value;
      });
    });
  }

  private async kept<T>(
    vantage: RegionId,
    region: RegionId,
    seen: Seen<unknown>,
    /** Null: nothing of it may be kept here. */
    key: readonly string[] | null,
    load: (db: ReturnType<MultiRegionDb["getReadClient"]>) => Promise<T>,
  ): Promise<Found<T>> {
    let fromCache = key !== null;
    const fresh = async (): Promise<Kept<T>> => {
      fromCache = false;
      const db = new MultiRegionDb(this.runtime, vantage).getReadClient(region);
      return { value: await load(db), cachedAt: new Date().toISOString() };
    };
    const kept = await (
      key === null ? fresh() : this.cache(key, [contentTag(region)], fresh)
    ).catch((error: unknown): Kept<T> => {
      if (!(error instanceof IncompleteError)) throw error;
      return { value: error.value as T, cachedAt: new Date().toISOString() };
    });
    return { seen, ...kept, fromCache, keptElsewhere: key === null, elsewhere: null };
  }

  /** From the nearest region that answers. */
  private async answer<T>(
    vantage: RegionId,
    ask: (region: RegionId) => Promise<Found<T>>,
  ): Promise<PublicAnswer<T>> {
    const startedMs = performance.now();
    let failure: unknown = new Error("No region is configured");
    let none: { answer: PublicAnswer<T>; elsewhere: readonly string[] } | null = null;
    const silent: RegionId[] = [];
    for (const regionId of new MultiRegionDb(this.runtime, vantage).regionsInOrder()) {
      try {
        const { seen, value, cachedAt, fromCache, keptElsewhere, elsewhere } = await ask(regionId);
        const receipt: PublicReceipt = {
          regionId,
          vantage,
          cachedAt,
          lookedAt: new Date(seen.lookedAt).toISOString(),
          current: seen.current,
          fromCache,
          keptElsewhere,
          elapsedMs: performance.now() - startedMs,
        };
        if (elsewhere === null) return { value, receipt };
        none ??= { answer: { value, receipt }, elsewhere };
      } catch (error) {
        if (!isUnreachable(error) && !(error instanceof NotAppliedError)) throw error;
        failure = error;
        silent.push(regionId);
      }
    }
    // Where it may be has to say that it is not there.
    if (none && !silent.some((id) => none?.elsewhere.includes(id))) return none.answer;
    throw failure;
  }
}

/** The article names a version that is not there: it is parked as a dead letter. Another region may have it. */
class NotAppliedError extends Error {
  constructor(region: string) {
    super(`${region} does not have the version that it is to show.`);
  }
}

/** Not all of it is there yet. Thrown, so that the cache does not keep it. */
class IncompleteError extends Error {
  constructor(readonly value: unknown) {
    super("The region does not have all versions that it is to list.");
  }
}

function nothing<T>(seen: Seen<unknown>, value: T, elsewhere: readonly string[] | null): Found<T> {
  const cachedAt = new Date(seen.lookedAt).toISOString();
  return { seen, value, cachedAt, fromCache: false, keptElsewhere: false, elsewhere };
}

function mayBeIn(region: RegionId, regions: readonly string[] | null): boolean {
  return regions === null || regions.length === 0 || regions.includes(region);
}

function versionOf(live: string): string {
  return live.split(" ")[1] ?? "";
}
