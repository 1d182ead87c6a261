import { randomUUID } from "node:crypto";
import type { Sleep } from "@/lib/clock";
import { isBehind } from "@/lib/db/conflicts/attempt-write";
import { GeoReplicationCoordinator } from "@/lib/db/geo-replication";
import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { confirmWrite } from "@/lib/db/writes/confirm-write";
import { covers } from "@/lib/documents/text/text-state";
import type { DocumentClock } from "@/lib/documents/types";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import type { PlacementRule } from "@/lib/residency/placements";
import { isKeptElsewhere } from "@/lib/residency/where-it-is";
import { placeContent, type ContentPlace } from "./place";
import {
  changeContent,
  findContent,
  findVersionText,
  insertContent,
  listVersions,
  type StoredContent,
} from "./statements";
import type { ContentOutcome, ContentRow, ContentVersionRow } from "./types";
import { stateOf, toContentRow, toVersionRow } from "./views";
import { decideMove, type Move, type RefusedMove } from "./workflow";

/** Attempts that each find another write in between. */
const ATTEMPTS = 12;

export interface ContentUpdates {
  title?: string | undefined;
  body?: string | undefined;
}

export interface MoveOptions {
  /** Of "schedule": when, in ms since 1970. */
  publishAtMs?: number | undefined;
  /** Of "restore": the id of the version whose text comes back. */
  versionId?: string | undefined;
}

export interface ForcedSync {
  /** Whether that region has such an article. */
  found: boolean;
  sourceRegion: RegionId;
  /** Rows that were written anew, and so are on their way to all other regions once more. */
  item: number;
  versions: number;
}

type Attempted =
  | { kind: "written"; row: StoredContent }
  | { kind: "refused"; reason: RefusedMove }
  | { kind: "taken" | "not-found" | "behind" };

/**
 * Articles that are written in every region. A change and its row of the history are one transaction; two changes
 * of a text that knew nothing of each other are both kept until a person decides. See docs/CMS.md.
 */
export class MultiRegionCMS {
  constructor(
    private readonly runtime: () => Runtime = defaultRuntime,
    private readonly sleep?: Sleep,
  ) {}

  /**
   * A new draft. The slug names it in every region and for ever; two regions that take the same one at the same
   * time have made one article with two texts, about which a person decides.
   *
   * @param input checked already: see validation.ts. `placement` says which regions may have it; without one all
   * @param regionId where the author is
   */
  async createContent(
    input: { slug: string; title: string; body: string; placement?: PlacementRule | undefined },
    userId: string,
    regionId: RegionId,
  ): Promise<ContentOutcome> {
    const { slug: id, title, body, placement } = input;
    const versionId = randomUUID();
    const place = { contentId: id, residents: placement?.regions };
    return this.write(regionId, versionId, place, false, async (db, region) => {
      const written = { id, versionId, title, body, userId, regionId: region, placement };
      const row = await insertContent(db, written);
      return row ? { kind: "written", row } : { kind: "taken" };
    });
  }

  /**
   * Changes title, body or both, starting from the version with clock `baseVersion`. What others have written since
   * is not overwritten: the article then holds all versions of that field (`item.undecided`).
   *
   * @param regionId where the editor is
   */
  async updateContent(
    contentId: string,
    userId: string,
    regionId: RegionId,
    updates: ContentUpdates,
    baseVersion: DocumentClock,
  ): Promise<ContentOutcome> {
    return this.change(contentId, userId, regionId, "edit", baseVersion, async () => updates);
  }

  /**
   * Moves an article on: submits, publishes, schedules, … The one who moves it has seen the version with clock
   * `baseVersion`; if it has another text by now, the move is refused as "changed-since".
   */
  async moveContent(
    contentId: string,
    userId: string,
    regionId: RegionId,
    move: Exclude<Move, "edit">,
    baseVersion: DocumentClock,
    options: MoveOptions = {},
  ): Promise<ContentOutcome> {
    const text = async (db: PrismaClient) =>
      move === "restore" ? findVersionText(db, contentId, options.versionId ?? "") : {};
    return this.change(contentId, userId, regionId, move, baseVersion, text, options.publishAtMs);
  }

  /**
   * The article and its history as one region has them; null where it has none. Asks for nobody's right to see it.
   *
   * @param regionId by default this process's
   */
  async getContent(
    contentId: string,
    regionId: RegionId = this.runtime().topology.currentRegion,
  ): Promise<{ item: ContentRow; versions: ContentVersionRow[] } | null> {
    const db = new MultiRegionDb(this.runtime, regionId).getReadClient(regionId);
    const [item, versions] = await Promise.all([
      findContent(db, contentId, ""),
      listVersions(db, contentId),
    ]);
    return item && { item: toContentRow(item), versions: versions.map(toVersionRow) };
  }

  /**
   * Sends an article and its history to all regions once more, as that region has them. Whoever calls has made sure
   * that an administrator asks. Throws UnknownRegionError, and what the region's database throws.
   */
  async forceSyncContent(contentId: string, sourceRegion: RegionId): Promise<ForcedSync> {
    const geo = new GeoReplicationCoordinator(this.runtime);
    const found = await geo.forceSync("ContentItem", contentId, sourceRegion);
    if (!found) return { found, sourceRegion, item: 0, versions: 0 };
    const db = new MultiRegionDb(this.runtime).getReadClient(sourceRegion);
    let versions = 0;
    for (const { id } of await listVersions(db, contentId)) {
      if (await geo.forceSync("ContentVersion", id, sourceRegion)) versions++;
    }
    return { found, sourceRegion, item: 1, versions };
  }

  private change(
    contentId: string,
    userId: string,
    vantage: RegionId,
    move: Move,
    base: DocumentClock,
    textOf: (db: PrismaClient) => Promise<ContentUpdates | null>,
    publishAtMs?: number,
  ): Promise<ContentOutcome> {
    const versionId = randomUUID();
    return this.write(vantage, versionId, { contentId }, true, async (db, regionId) => {
      for (let tries = 0; tries < ATTEMPTS; tries++) {
        const row = await findContent(db, contentId, userId);
        if (!row || !(row.reviewer || row.author)) return { kind: "not-found" };
        // An earlier attempt was not answered, and has come here from where it was made.
        const earlier = await findVersionText(db, contentId, versionId);
        if (earlier) return { kind: "written", row };
        if (!covers(row.clock, base)) return { kind: "behind" };
        const editing = move === "edit" || move === "restore";
        if (!editing && !covers(base, row.clock)) return refuse("changed-since");
        const decision = decideMove(stateOf(row), move, row.reviewer ? "reviewer" : "author");
        if (decision.kind === "refused") return decision;
        const text = await textOf(db);
        if (!text) return refuse("no-such-version");
        const title = changed(text.title, row.title);
        const body = changed(text.body, row.body);
        // Who has seen all versions of a field has to choose from them, beside each other. One who has not adds one.
        const chooses =
          (title !== null && row.undecidedTitle) || (body !== null && row.undecidedBody);
        if (editing && chooses && covers(base, row.clock)) return refuse("undecided");
        if (editing && title === null && body === null) return refuse("unchanged");
        if (decision.schedule === "set" && !(await isAhead(db, publishAtMs ?? 0))) {
          return refuse("in-the-past");
        }
        const written = await changeContent(db, {
          ...{ id: contentId, versionId, userId, regionId, title, body, base, guard: row.clock },
          ...decision,
          publishAtMs: decision.schedule === "set" ? (publishAtMs ?? null) : null,
        });
        if (written) return { kind: "written", row: written };
      }
      return { kind: "behind" };
    });
  }

  private async write(
    vantage: RegionId,
    versionId: string,
    place: ContentPlace,
    isChange: boolean,
    attempt: (db: PrismaClient, regionId: RegionId) => Promise<Attempted>,
  ): Promise<ContentOutcome> {
    const placed = await placeContent(
      this.runtime,
      vantage,
      place,
      (db, regionId) =>
        attempt(db, regionId).catch((error: unknown): Attempted => {
          if (isBehind(error)) return { kind: "behind" };
          // There is an article of that name, or there may be one, and this region must not have it.
          if (isKeptElsewhere(error)) return { kind: isChange ? "not-found" : "taken" };
          throw error;
        }),
      ({ kind }) => isChange && (kind === "behind" || kind === "not-found"),
      this.sleep,
    );
    if (placed.kind === "unavailable") return placed;
    const { value, route } = placed;
    switch (value.kind) {
      case "written": {
        const { id, origin, position } = value.row;
        // Not waited for: the publisher finds the write by itself, and Redis may be away.
        void this.runtime().wake(vantage, route.regionId);
        const event = { entityType: "ContentItem" as const, entityId: id, origin, position };
        const confirmation = await confirmWrite(vantage, event, { runtime: this.runtime });
        const stamp = { id, origin, position };
        const item = toContentRow(value.row);
        return { kind: "written", item, versionId, stamp, route, confirmation };
      }
      case "refused":
        return value;
      case "taken":
      case "not-found":
      case "behind":
        return { kind: value.kind };
      default:
        return value satisfies never;
    }
  }
}

export const multiRegionCms = new MultiRegionCMS();

function refuse(reason: RefusedMove): Attempted {
  return { kind: "refused", reason };
}

function changed(next: string | undefined, current: string): string | null {
  return next === undefined || next === current ? null : next;
}

/** By the clock of the database that takes the schedule: the same clock will say that it is time. */
async function isAhead(db: PrismaClient, publishAtMs: number): Promise<boolean> {
  const rows = await db.$queryRaw<{ ahead: boolean }[]>`
    SELECT ${BigInt(Math.floor(publishAtMs))}::bigint
      > extract(epoch FROM clock_timestamp()) * 1000 AS "ahead"`;
  return rows[0]?.ahead ?? false;
}
