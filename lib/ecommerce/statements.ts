import type { PrismaClient } from "@/lib/generated/prisma/client";
import { parseRegionId } from "@/lib/db/multi-region-config";
import { regionOfActor, type Actor } from "@/lib/db/regions/region-id";
import type { GlobalInventory, Reservation, ReservationState, RowStamp } from "./types";

/*
 * One statement each, so that stock and reservation change together or not at all, in one round trip.
 * A statement takes the lock of a reservation before that of its product, and of products in order of
 * their ids.
 */

export type StoredReservation = RowStamp & {
  key: string;
  productId: string;
  quantity: number;
  userId: string;
  regionId: string;
  status: string;
  createdAt: Date;
  expiresAt: Date;
};

export interface ReserveInput {
  /** Derived from buyer, key and region: two attempts of one region meet in it. */
  id: string;
  key: string;
  productId: string;
  quantity: number;
  userId: string;
  regionId: string;
  holdSeconds: number;
}

export interface ReserveAnswer {
  /** Whether there is such a product. */
  known: boolean;
  /** Null where this region has not the right to sell so many. */
  reservation: StoredReservation | null;
}

/**
 * Takes stock and notes who took it. What the buyer has reserved under this key in any region, as far as
 * it is known here, is returned instead.
 *
 * @throws SQLSTATE 23505 where another attempt of this one is about to commit
 */
export async function insertReservation(
  db: PrismaClient,
  input: ReserveInput,
): Promise<ReserveAnswer> {
  const rows = await db.$queryRaw<(StoredReservation & { known: boolean })[]>`
    WITH found AS (
      SELECT * FROM "Reservation"
      WHERE "userId" = ${input.userId}::text AND "key" = ${input.key}::text AND "deletedAt" IS NULL
      ORDER BY "status" <> 'confirmed', "hlc" LIMIT 1
    ), taken AS (
      UPDATE "Product" SET "stock" = "stock" - ${input.quantity}::integer
      WHERE "id" = ${input.productId}::text AND "deletedAt" IS NULL AND NOT EXISTS (SELECT FROM found)
        -- Cheaper than to be refused: a crowd that comes too late takes no lock.
        AND (mr.rights_by_actor("merge", 'stock', "stock", "origin") ->> mr.local_actor())::numeric
          >= ${input.quantity}::integer
      RETURNING "id"
    ), made AS (
      INSERT INTO "Reservation" ("id", "key", "productId", "quantity", "userId", "regionId", "expiresAt")
      SELECT ${input.id}::text, ${input.key}::text, t."id", ${input.quantity}::integer,
        ${input.userId}::text, ${input.regionId}::text,
        clock_timestamp() + make_interval(secs => ${input.holdSeconds}::integer)
      FROM taken t
      RETURNING *
    ), answer AS (SELECT * FROM found UNION ALL SELECT * FROM made)
    SELECT a."id", a."key", a."productId", a."quantity", a."userId", a."regionId", a."status",
      a."createdAt", a."expiresAt", a."origin", a."position",
      EXISTS (SELECT FROM "Product" p WHERE p."id" = ${input.productId}::text AND p."deletedAt" IS NULL)
        AS "known"
    FROM (SELECT 1) one LEFT JOIN answer a ON true`;
  const row = rows[0];
  if (!row) throw new Error("The statement returned no row.");
  return { known: row.known, reservation: row.id === null ? null : row };
}

/**
 * Ends a reservation that is held, in the region that holds it; what is released goes back to its stock.
 * Returns it as it is then, whoever ended it, and null where it is not known or held by another region.
 *
 * @param userId whose it has to be
 */
export async function settleReservation(
  db: PrismaClient,
  id: string,
  userId: string,
  to: "confirmed" | "released",
): Promise<StoredReservation | null> {
  const rows = await db.$queryRaw<StoredReservation[]>`
    WITH target AS (
      SELECT * FROM "Reservation"
      WHERE "id" = ${id}::text AND "userId" = ${userId}::text AND "regionId" = mr.local_region()
        AND "deletedAt" IS NULL
      FOR UPDATE
    ), ended AS (
      UPDATE "Reservation" r
      SET "status" = CASE WHEN t."expiresAt" <= clock_timestamp() THEN 'expired' ELSE ${to}::text END,
        "settledAt" = clock_timestamp()
      FROM target t WHERE r."id" = t."id" AND t."status" = 'held'
      RETURNING r.*
    ), back AS (
      UPDATE "Product" p SET "stock" = p."stock" + e."quantity"
      FROM ended e WHERE p."id" = e."productId" AND e."status" <> 'confirmed'
    )
    SELECT "id", "key", "productId", "quantity", "userId", "regionId", "status", "createdAt",
      "expiresAt", "origin", "position"
    FROM (SELECT * FROM ended UNION ALL SELECT * FROM target WHERE "status" <> 'held') r`;
  return rows[0] ?? null;
}

/** Null where the region knows no such product. */
export async function findRights(
  db: PrismaClient,
  productId: string,
): Promise<{ stock: number; rights: RightsByActor } | null> {
  const rows = await db.$queryRaw<{ stock: number; rights: RightsByActor }[]>`
    SELECT "stock", mr.rights_by_actor("merge", 'stock', "stock", "origin") AS "rights"
    FROM "Product" WHERE "id" = ${productId}::text AND "deletedAt" IS NULL`;
  return rows[0] ?? null;
}

/** Rights by actor, of what the region of `db` knows. */
export type RightsByActor = Readonly<Record<string, number>>;

export interface StoredInventory {
  id: string;
  name: string;
  priceMinor: number;
  stock: number;
  rights: RightsByActor;
  reserved: number;
  sold: number;
}

/**
 * Products with their rights and what is taken of them, from one snapshot.
 *
 * @param productId one, or null for all that are not deleted, by name
 */
export function listInventory(
  db: PrismaClient,
  productId: string | null = null,
): Promise<StoredInventory[]> {
  return db.$queryRaw<StoredInventory[]>`
    SELECT p."id", p."name", p."priceMinor", p."stock",
      mr.rights_by_actor(p."merge", 'stock', p."stock", p."origin") AS "rights",
      coalesce(t."reserved", 0)::integer AS "reserved", coalesce(t."sold", 0)::integer AS "sold"
    FROM "Product" p LEFT JOIN LATERAL (
      SELECT sum("quantity") FILTER (WHERE "status" = 'held') AS "reserved",
        sum("quantity") FILTER (WHERE "status" = 'confirmed') AS "sold"
      FROM "Reservation" r
      WHERE r."productId" = p."id" AND r."status" IN ('held', 'confirmed') AND r."deletedAt" IS NULL
    ) t ON true
    WHERE p."deletedAt" IS NULL AND (${productId}::text IS NULL OR p."id" = ${productId}::text)
    ORDER BY p."name", p."id" LIMIT 100`;
}

/** Newest first. */
export function listReservations(db: PrismaClient, userId: string): Promise<StoredReservation[]> {
  return db.$queryRaw<StoredReservation[]>`
    SELECT "id", "key", "productId", "quantity", "userId", "regionId", "status", "createdAt",
      "expiresAt", "origin", "position"
    FROM "Reservation" WHERE "userId" = ${userId}::text AND "deletedAt" IS NULL
    ORDER BY "createdAt" DESC, "id" LIMIT 25`;
}

export function sumByRegion(rights: RightsByActor): Record<string, number> {
  const byRegion: Record<string, number> = {};
  for (const [actor, held] of Object.entries(rights)) {
    const region = regionOfActor(actor as Actor);
    byRegion[region] = (byRegion[region] ?? 0) + held;
  }
  return byRegion;
}

/** @param regions which are listed even if they hold nothing */
export function toInventory(row: StoredInventory, regions: readonly string[]): GlobalInventory {
  const none = Object.fromEntries(regions.map((id) => [id, 0]));
  return {
    productId: row.id,
    name: row.name,
    priceMinor: row.priceMinor,
    total: row.stock,
    byRegion: { ...none, ...sumByRegion(row.rights) },
    reserved: row.reserved,
    sold: row.sold,
  };
}

export function toReservation(row: StoredReservation): Reservation {
  return {
    id: row.id,
    key: row.key,
    productId: row.productId,
    quantity: row.quantity,
    userId: row.userId,
    regionId: parseRegionId(row.regionId),
    status: row.status as ReservationState,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
  };
}
