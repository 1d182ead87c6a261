import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { withReadYourWrites } from "@/lib/db/read-your-writes";
import { within } from "@/lib/db/regions/faults";
import { isLeaderless, isLed } from "@/lib/db/writes/place-write";
import { acknowledge } from "./acknowledge";
import { NOT_FOUND, place } from "./place";
import type { Answer } from "./read";
import { findPlacement, placementId, toRegions } from "./residency";
import { movePlacement } from "./statements";
import { refused, type Actor, type Refused, type WriteOutcome } from "./types";

/* Where documents may be, as their owners decide it, and where they are. */

/** A rule, or none: null is everywhere. */
export interface PlacementRule {
  residency: string | null;
  regions: RegionId[];
}

export interface PlacementView extends PlacementRule {
  documentId: string;
  updatedAt: string;
}

/** What a region has of a document; null where it did not answer. */
export interface Presence {
  regionId: RegionId;
  held: { rows: number; events: number } | null;
}

/** The configured places, for a form. */
export function places(): { name: string; regions: readonly string[] }[] {
  return Object.entries(multiRegionDb.residencies()).map(([name, regions]) => ({ name, regions }));
}

/** A rule by its name; null is the one that allows every region. */
export function placementBy(residency: string | null): PlacementRule | Refused {
  if (residency === null) return { residency, regions: [] };
  const residencies = multiRegionDb.residencies();
  const regions = Object.hasOwn(residencies, residency) ? residencies[residency] : undefined;
  if (regions === undefined) {
    const message = "There is no such place.";
    return refused("invalid", message, { fields: { residency: message } });
  }
  // A leaderless row is read from several regions, and one that only the leader writes has to be wherever
  // the lead goes.
  if (isLeaderless("Document") || isLed("Document")) {
    return refused("unavailable", "In this installation every region has all documents.");
  }
  return {
    residency,
    regions: toRegions(regions),
  };
}

/**
 * Says where a document may be from now on. It is said where the document is; the regions then copy
 * its rows in or take them away, on their own time.
 */
export async function changeResidency(
  actor: Actor,
  input: { documentId: string; residency: string | null },
): Promise<WriteOutcome<PlacementRule>> {
  const started = performance.now();
  const rule = placementBy(input.residency);
  if ("ok" in rule) return rule;
  const { documentId } = input;
  const placed = await place(actor, "Placement", documentId, (db) =>
    movePlacement(db, { userId: actor.userId, documentId, ...rule }),
  );
  if ("ok" in placed) return placed;
  const { row, route } = placed;
  if (!row.readable) return NOT_FOUND;
  if (!row.owned) return refused("forbidden", "Only the owner can say where a document is kept.");
  if (row.origin === null || row.position === null) return NOT_FOUND;
  const { origin, position } = row;
  const event = { entityType: "Placement", entityId: documentId, origin, position } as const;
  return acknowledge(actor, started, route, event, rule);
}

/** The actor's documents that are kept somewhere, the latest decision first. */
export async function readPlacements(actor: Actor): Promise<Answer<PlacementView[]>> {
  const { data, receipt } = await withReadYourWrites(
    actor.userId,
    (db) =>
      db.placement.findMany({
        where: { ownerId: actor.userId, deletedAt: null, NOT: { regions: { isEmpty: true } } },
        orderBy: [{ updatedAt: "desc" }, { id: "asc" }],
        take: 100,
      }),
    { vantage: actor.vantage, token: actor.token },
  );
  return {
    value: data.map(({ entityId, residency, regions, updatedAt }) => ({
      documentId: entityId,
      residency,
      regions: toRegions(regions),
      updatedAt: updatedAt.toISOString(),
    })),
    receipt,
  };
}

/** Where a document may be; null where nobody has ever said so. */
export async function readPlacement(
  actor: Actor,
  documentId: string,
): Promise<PlacementRule | null> {
  const { data } = await findPlacement(actor, documentId);
  return data && { residency: data.residency, regions: toRegions(data.regions) };
}

/** How long a region may take to say what it has, in ms. */
const ASK_MS = 1_500;

/** What each region has of a document, counted in its database. Only of the actor's own. */
export async function readPresence(actor: Actor, documentId: string): Promise<Presence[]> {
  const db = multiRegionDb.from(actor.vantage);
  return Promise.all(
    db.regionsInOrder().map(async (regionId) => {
      const answer = db.getReadClient(regionId).$queryRaw<{ rows: number; events: number }[]>`
        SELECT "rows", events FROM mr.placement_presence(${placementId(documentId)}::text)`;
      const rows = await within(ASK_MS, answer).catch(() => null);
      return { regionId, held: rows?.[0] ?? null };
    }),
  );
}
