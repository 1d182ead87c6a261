import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { within } from "@/lib/db/regions/faults";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import type { PlacementRule } from "./placements";
import { placementId, toRegions } from "./where-it-is";

/* Who a person is, for those who keep that in some regions: a row of its own, "Profile", with the user's id. */

/** Of the placement's row. */
export interface PlacedStamp {
  origin: string;
  position: bigint;
}

export interface Person {
  id: string;
  email: string;
  name: string;
}

const subject = (id: string) => placementId({ entity: "User", id });

/** Says where a person is kept, and keeps them. May be repeated. */
export async function keepProfile(
  db: PrismaClient,
  { id, email, name }: Person,
  { residency, regions }: PlacementRule,
): Promise<PlacedStamp> {
  const rows = await db.$queryRaw<PlacedStamp[]>`
    WITH placed AS (
      INSERT INTO "Placement" AS p
        ("id", "entity", "entityId", "ownerId", "residency", "regions", "updatedBy")
      VALUES (${subject(id)}::text, 'User', ${id}::text, ${id}::text, ${residency}::text,
        ${regions}::text[], ${id}::text)
      ON CONFLICT ("id") DO UPDATE
        SET "residency" = excluded."residency", "regions" = excluded."regions",
          "updatedBy" = excluded."updatedBy", "updatedAt" = now()
      RETURNING p."origin", p."position"
    ), kept AS (
      INSERT INTO "Profile" ("id", "email", "name")
      VALUES (${id}::text, ${email}::text, ${name}::text)
      ON CONFLICT ("id") DO UPDATE
        SET "email" = excluded."email", "name" = excluded."name", "updatedAt" = now()
    )
    SELECT "origin", "position" FROM placed`;
  const [stamp] = rows;
  if (!stamp) throw new Error("The placement returned no row.");
  return stamp;
}

/** Says where a person is kept from now on; null where the region does not have them. */
export async function moveProfile(
  db: PrismaClient,
  id: string,
  { residency, regions }: PlacementRule,
): Promise<PlacedStamp | null> {
  const rows = await db.$queryRaw<PlacedStamp[]>`
    UPDATE "Placement" p SET "residency" = ${residency}::text, "regions" = ${regions}::text[],
      "updatedBy" = ${id}::text, "updatedAt" = now()
    WHERE p."id" = ${subject(id)}::text
      AND EXISTS (SELECT FROM "Profile" f WHERE f."id" = ${id}::text AND f."deletedAt" IS NULL)
    RETURNING p."origin", p."position"`;
  return rows[0] ?? null;
}

/** Of an account that was not made. The placement stays for what is left: an event that has the name may be on its way. */
export async function emptyProfile(db: PrismaClient, id: string): Promise<void> {
  await db.$executeRaw`
    WITH emptied AS (
      UPDATE "Profile" SET "email" = '', "name" = '', "deletedAt" = now(), "updatedAt" = now()
      WHERE "id" = ${id}::text
    )
    UPDATE "Placement" SET "deletedAt" = now(), "updatedAt" = now() WHERE "id" = ${subject(id)}::text`;
}

/** How long a region may take to say who somebody is, in ms. */
const ASK_MS = 2_000;

/** Who somebody is, from the nearest region that has it; null where none of those that answer has. */
export async function readProfile(
  vantage: RegionId,
  id: string,
): Promise<(Omit<Person, "id"> & { regionId: RegionId }) | null> {
  const db = multiRegionDb.from(vantage);
  const ask = <T>(regionId: RegionId, read: (db: PrismaClient) => Promise<T | null>) =>
    within(ASK_MS, read(db.getReadClient(regionId))).catch(() => null);
  const placement = await ask(vantage, (near) =>
    near.placement.findUnique({ where: { id: subject(id) }, select: { regions: true } }),
  );
  // While it is being moved, one that is not named has it still.
  const named = toRegions(placement?.regions ?? [], vantage);
  for (const regionId of new Set([...named, ...db.regionsInOrder()])) {
    const row = await ask(regionId, (there) =>
      there.profile.findFirst({
        where: { id, deletedAt: null },
        select: { email: true, name: true },
      }),
    );
    if (row) return { ...row, regionId };
  }
  return null;
}
