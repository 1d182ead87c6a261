import { sqlState } from "@/lib/db/regions/faults";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { withReadYourWrites, type ConsistentRead, type ReadLevel } from "@/lib/db/read-your-writes";
import type { EntityType } from "@/lib/db/conflicts/entities";
import type { Actor } from "@/lib/documents/types";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/*
 * A row that must not be in a region is not known there: only its placement is, which says where it may
 * be. So a region that does not find a document or an article looks for its placement, and the request
 * goes to the nearest region that it names. Of a person only who they are is placed, the row "Profile".
 */

/** What can be kept in some regions only. */
export const PLACED_ENTITIES = [
  "Document",
  "ContentItem",
  "User",
] as const satisfies readonly EntityType[];
export type PlacedEntity = (typeof PLACED_ENTITIES)[number];

export interface Subject {
  entity: PlacedEntity;
  id: string;
}

/** What a database answers to a write of a row that must not be there. */
const NOT_HERE = "MR014";

export const placementId = ({ entity, id }: Subject) => `${entity}/${id}`;

/** Whether a region refused a write because the row must not be there. */
export function isKeptElsewhere(error: unknown): boolean {
  return sqlState(error) === NOT_HERE;
}

/** An attempt that finds nothing where the row must not be. */
export function findingNothingElsewhere<R, A extends unknown[]>(
  attempt: (...args: A) => Promise<R | null>,
): (...args: A) => Promise<R | null> {
  return async (...args) => {
    try {
      return await attempt(...args);
    } catch (error) {
      if (isKeptElsewhere(error)) return null;
      throw error;
    }
  };
}

/** Those of the regions that are configured, from near to far. */
export function toRegions(
  regions: readonly string[],
  vantage: RegionId = multiRegionDb.vantage,
): RegionId[] {
  return multiRegionDb
    .from(vantage)
    .regionsInOrder()
    .filter((id) => regions.includes(id));
}

/** What has been said of where something may be. */
export function findPlacement(actor: Actor, subject: Subject) {
  return withReadYourWrites(
    actor.userId,
    (db) =>
      db.placement.findUnique({
        where: { id: placementId(subject) },
        select: { residency: true, regions: true, origin: true, position: true },
      }),
    { vantage: actor.vantage, token: actor.token },
  );
}

/**
 * The regions that may have something, from near to far; empty for all of them, null where nobody has
 * ever said.
 */
async function placedIn(actor: Actor, subject: Subject): Promise<RegionId[] | null> {
  const { data } = await findPlacement(actor, subject);
  return data && toRegions(data.regions, actor.vantage);
}

/** The regions that may have something; null for all of them. */
export async function residentsOf(actor: Actor, subject: Subject): Promise<RegionId[] | null> {
  const placed = await placedIn(actor, subject);
  return placed && placed.length > 0 ? placed : null;
}

/**
 * Reads something where it is. A region that may have it lacks it while it is being moved there; then
 * one that has it still is asked.
 *
 * @param isFound whether an answer has it
 */
export async function readWhereItIs<T>(
  actor: Actor,
  subject: Subject,
  read: (db: PrismaClient) => Promise<T>,
  isFound: (data: T) => boolean,
  options: { level?: ReadLevel | undefined; of?: EntityType } = {},
): Promise<ConsistentRead<T>> {
  const { level, of } = options;
  const asked = { vantage: actor.vantage, token: actor.token, level, of };
  const first = await withReadYourWrites(actor.userId, read, asked);
  if (isFound(first.data)) return first;
  const placed = await placedIn(actor, subject);
  if (placed === null) return first;
  const all = multiRegionDb.from(actor.vantage).regionsInOrder();
  for (const region of new Set([...placed, ...all])) {
    if (region === first.regionId) continue;
    const answer = await withReadYourWrites(actor.userId, read, {
      ...asked,
      residents: [region],
    }).catch(() => null);
    if (answer && isFound(answer.data)) return answer;
  }
  return first;
}
