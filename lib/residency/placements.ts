import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { withReadYourWrites } from "@/lib/db/read-your-writes";
import { within } from "@/lib/db/regions/faults";
import { isLeaderless, isLed } from "@/lib/db/writes/place-write";
import type { Answer } from "@/lib/documents/read";
import { refused, type Actor, type Refused } from "@/lib/documents/types";
import {
  findPlacement,
  placementId,
  PLACED_ENTITIES,
  toRegions,
  type PlacedEntity,
  type Subject,
} from "./where-it-is";

/* Where documents, articles and people may be, as their owners decide it, and where they are. */

/** A rule, or none: null is everywhere. */
export interface PlacementRule {
  residency: string | null;
  regions: RegionId[];
}

export interface PlacementView extends PlacementRule, Subject {
  updatedAt: string;
}

/** What a region has of it; null where it did not answer. */
export interface Presence {
  regionId: RegionId;
  held: { rows: number; events: number } | null;
}

/** The configured places, for a form. */
export function places(): { name: string; regions: readonly string[] }[] {
  return Object.entries(multiRegionDb.residencies()).map(([name, regions]) => ({ name, regions }));
}

/** Those of them in which an account can be kept: none where there is no key for addresses. */
export function placesOfAccounts(): ReturnType<typeof places> {
  return multiRegionDb.addressSecret() === null ? [] : places();
}

/** A rule by its name; null is the one that allows every region. */
export function placementBy(
  entity: PlacedEntity,
  residency: string | null,
): PlacementRule | Refused {
  if (residency === null) return { residency, regions: [] };
  const residencies = multiRegionDb.residencies();
  const regions = Object.hasOwn(residencies, residency) ? residencies[residency] : undefined;
  if (regions === undefined) {
    const message = "There is no such place.";
    return refused("invalid", message, { fields: { residency: message } });
  }
  // An account's own row is everywhere; who somebody is, is not.
  const placed = entity === "User" ? "Profile" : entity;
  // A leaderless row is read from several regions, and one that only the leader writes has to be wherever
  // the lead goes.
  if (isLeaderless(placed) || isLed(placed)) {
    return refused("unavailable", "In this installation every region has all documents.");
  }
  return {
    residency,
    regions: toRegions(regions),
  };
}

/**
 * What is the actor's and is kept somewhere, the latest decision first; a reviewer's are all articles.
 *
 * @param only of one kind
 */
export async function readPlacements(
  actor: Actor,
  only?: PlacedEntity,
): Promise<Answer<PlacementView[]>> {
  const { data, receipt } = await withReadYourWrites(
    actor.userId,
    async (db) => {
      const isReviewer =
        only === "ContentItem" &&
        (await db.user.count({ where: { id: actor.userId, role: "admin", deletedAt: null } })) > 0;
      return db.placement.findMany({
        where: {
          deletedAt: null,
          NOT: { regions: { isEmpty: true } },
          ...(only === undefined ? {} : { entity: only }),
          ...(isReviewer ? {} : { ownerId: actor.userId }),
        },
        orderBy: [{ updatedAt: "desc" }, { id: "asc" }],
        take: 100,
      });
    },
    { vantage: actor.vantage, token: actor.token },
  );
  return {
    value: data.flatMap(({ entity: name, entityId, residency, regions, updatedAt }) => {
      const entity = PLACED_ENTITIES.find((known) => known === name);
      if (entity === undefined) return [];
      const rule = { residency, regions: toRegions(regions) };
      return [{ entity, id: entityId, ...rule, updatedAt: updatedAt.toISOString() }];
    }),
    receipt,
  };
}

/** Where something may be; null where nobody has ever said so. */
export async function readPlacement(actor: Actor, subject: Subject): Promise<PlacementRule | null> {
  const { data } = await findPlacement(actor, subject);
  return data && { residency: data.residency, regions: toRegions(data.regions) };
}

/** How long a region may take to say what it has, in ms. */
const ASK_MS = 1_500;

/** What each region has of something, counted in its database. Only of the actor's own. */
export async function readPresence(actor: Actor, subject: Subject): Promise<Presence[]> {
  const db = multiRegionDb.from(actor.vantage);
  return Promise.all(
    db.regionsInOrder().map(async (regionId) => {
      const answer = db.getReadClient(regionId).$queryRaw<{ rows: number; events: number }[]>`
        SELECT "rows", events FROM mr.placement_presence(${placementId(subject)}::text)`;
      const rows = await within(ASK_MS, answer).catch(() => null);
      return { regionId, held: rows?.[0] ?? null };
    }),
  );
}
