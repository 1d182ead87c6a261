import { parseRegionId } from "@/lib/db/multi-region-config";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { onceMore } from "./ledger-statements";
import type { Order, OrderState, OrderView } from "./order-types";
import type { ReservationState, RowStamp } from "./types";

export type StoredOrder = RowStamp & {
  key: string;
  userId: string;
  reservationId: string;
  regionId: string;
  productId: string;
  quantity: number;
  amountMinor: bigint;
  paymentId: string;
  createdAt: Date;
};

export type OrderInput = Omit<StoredOrder, keyof RowStamp | "createdAt"> & { id: string };

export interface Held {
  productId: string;
  quantity: number;
  status: ReservationState;
  /** Null where its region does not know the product. */
  priceMinor: number | null;
}

/** Null where the region holds no such reservation of that buyer. */
export async function findHeld(db: PrismaClient, id: string, userId: string): Promise<Held | null> {
  const rows = await db.$queryRaw<Held[]>`
    SELECT r."productId", r."quantity", r."status", p."priceMinor"
    FROM "Reservation" r LEFT JOIN "Product" p ON p."id" = r."productId" AND p."deletedAt" IS NULL
    WHERE r."id" = ${id}::text AND r."userId" = ${userId}::text AND r."regionId" = mr.local_region()
      AND r."deletedAt" IS NULL`;
  return rows[0] ?? null;
}

/** Makes the order of an id, or finds it; one of an earlier leader becomes a version of this one's, as in postTransfer. */
export function recordOrder(db: PrismaClient, input: OrderInput): Promise<StoredOrder> {
  return onceMore(async () => {
    const rows = await db.$queryRaw<StoredOrder[]>`
      WITH made AS (
        INSERT INTO "Order" ("id", "key", "userId", "reservationId", "regionId", "productId", "quantity",
          "amountMinor", "paymentId")
        VALUES (${input.id}::text, ${input.key}::text, ${input.userId}::text, ${input.reservationId}::text,
          ${input.regionId}::text, ${input.productId}::text, ${input.quantity}::integer,
          ${input.amountMinor}::bigint, ${input.paymentId}::text)
        ON CONFLICT ("id") DO NOTHING
        RETURNING *
      ), vouched AS (
        UPDATE "Order" o SET "id" = o."id"
        WHERE o."id" = ${input.id}::text AND mr.epoch_of(o."vouched") < mr.leading()
        RETURNING o.*
      ), answer AS (
        SELECT * FROM made UNION ALL SELECT * FROM vouched
        UNION ALL SELECT * FROM "Order" o
          WHERE o."id" = ${input.id}::text AND NOT EXISTS (SELECT FROM vouched)
      )
      SELECT "id", "key", "userId", "reservationId", "regionId", "productId", "quantity", "amountMinor",
        "paymentId", "createdAt", "origin", "position"
      FROM answer LIMIT 1`;
    return rows[0];
  });
}

/** Of an order that comes to nothing: nobody has to look at it any more. */
export async function closeOrder(db: PrismaClient, id: string): Promise<void> {
  await db.$executeRaw`
    UPDATE "Order" SET "closedAt" = clock_timestamp() WHERE "id" = ${id}::text AND "closedAt" IS NULL`;
}

export async function findOrder(db: PrismaClient, id: string): Promise<StoredOrder | null> {
  const rows = await db.$queryRaw<StoredOrder[]>`
    SELECT "id", "key", "userId", "reservationId", "regionId", "productId", "quantity", "amountMinor",
      "paymentId", "createdAt", "origin", "position"
    FROM "Order" WHERE "id" = ${id}::text`;
  return rows[0] ?? null;
}

/** Any of them: some that cannot be settled for long must not keep the others from it. `olderThanMs`: a buyer's own attempt may still be on its way. */
export function listOpenOrders(
  db: PrismaClient,
  { olderThanMs, limit }: { olderThanMs: number; limit: number },
): Promise<StoredOrder[]> {
  return db.$queryRaw<StoredOrder[]>`
    SELECT "id", "key", "userId", "reservationId", "regionId", "productId", "quantity", "amountMinor",
      "paymentId", "createdAt", "origin", "position"
    FROM "Order"
    WHERE "closedAt" IS NULL AND "deletedAt" IS NULL
      AND "createdAt" < clock_timestamp() - make_interval(secs => ${olderThanMs}::float8 / 1000)
    ORDER BY random() LIMIT ${limit}::integer`;
}

type ListedOrder = StoredOrder & {
  productName: string | null;
  reservationStatus: ReservationState | null;
  paidOrderId: string | null;
  paid: boolean;
  paidAt: Date | null;
  epoch: bigint | null;
};

/** Newest first, without their entries. */
export async function listOrders(
  db: PrismaClient,
  userId: string,
): Promise<Omit<OrderView, "entries">[]> {
  const rows = await db.$queryRaw<ListedOrder[]>`
    SELECT o."id", o."key", o."userId", o."reservationId", o."regionId", o."productId", o."quantity",
      o."amountMinor", o."paymentId", o."createdAt", o."origin", o."position", p."name" AS "productName",
      r."status" AS "reservationStatus", t."id" IS NOT NULL AS "paid", t."orderId" AS "paidOrderId",
      t."createdAt" AS "paidAt", mr.epoch_of(t."vouched") AS "epoch"
    FROM "Order" o
      LEFT JOIN "LedgerTransfer" t ON t."id" = o."paymentId"
      LEFT JOIN "Reservation" r ON r."id" = o."reservationId"
      LEFT JOIN "Product" p ON p."id" = o."productId"
    WHERE o."userId" = ${userId}::text AND o."deletedAt" IS NULL
    ORDER BY o."createdAt" DESC, o."id" LIMIT 25`;
  return rows.map((row) => {
    const status = statusOf(row);
    return {
      ...toOrder(row),
      productName: row.productName,
      reservationStatus: row.reservationStatus,
      status,
      paidAt: status === "placed" ? (row.paidAt?.toISOString() ?? null) : null,
      epoch: status === "placed" && row.epoch !== null ? Number(row.epoch) : null,
    };
  });
}

function statusOf({ id, paid, paidOrderId, reservationStatus }: ListedOrder): OrderState {
  if (paid) return paidOrderId === id ? "placed" : "refused";
  return reservationStatus === "released" || reservationStatus === "expired"
    ? "refused"
    : "unsettled";
}

export function toOrder(row: StoredOrder): Order {
  return {
    id: row.id,
    key: row.key,
    userId: row.userId,
    reservationId: row.reservationId,
    regionId: parseRegionId(row.regionId),
    productId: row.productId,
    quantity: row.quantity,
    amountMinor: Number(row.amountMinor),
    createdAt: row.createdAt.toISOString(),
  };
}
