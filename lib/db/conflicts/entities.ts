import { UnknownEntityError } from "@/lib/errors";
import type { PrismaClient } from "@/lib/generated/prisma/client";

interface EntityAccess {
  /** The row's clock in this region, tombstones included. */
  clock(db: PrismaClient, id: string): Promise<{ clock: unknown } | null>;
  /** Writes the row as it is, which makes a new version of it. Number of rows: 0 or 1. */
  rewrite(db: PrismaClient, id: string): Promise<number>;
}

const select = { clock: true } as const;

/** The allow-list of replicated entities: no name from outside reaches a statement. */
const ENTITIES = {
  User: {
    clock: (db, id) => db.user.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "User" SET "id" = "id" WHERE "id" = ${id}`,
  },
  Document: {
    clock: (db, id) => db.document.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "Document" SET "id" = "id" WHERE "id" = ${id}`,
  },
  Collaborator: {
    clock: (db, id) => db.collaborator.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "Collaborator" SET "id" = "id" WHERE "id" = ${id}`,
  },
  DocumentVersion: {
    clock: (db, id) => db.documentVersion.findUnique({ where: { id }, select }),
    rewrite: (db, id) =>
      db.$executeRaw`UPDATE "DocumentVersion" SET "id" = "id" WHERE "id" = ${id}`,
  },
  DocumentUpdate: {
    clock: (db, id) => db.documentUpdate.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "DocumentUpdate" SET "id" = "id" WHERE "id" = ${id}`,
  },
  Conflict: {
    clock: (db, id) => db.conflict.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "Conflict" SET "id" = "id" WHERE "id" = ${id}`,
  },
  ConflictResolution: {
    clock: (db, id) => db.conflictResolution.findUnique({ where: { id }, select }),
    rewrite: (db, id) =>
      db.$executeRaw`UPDATE "ConflictResolution" SET "id" = "id" WHERE "id" = ${id}`,
  },
  Placement: {
    clock: (db, id) => db.placement.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "Placement" SET "id" = "id" WHERE "id" = ${id}`,
  },
  Profile: {
    clock: (db, id) => db.profile.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "Profile" SET "id" = "id" WHERE "id" = ${id}`,
  },
  LabRow: {
    clock: (db, id) => db.labRow.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "LabRow" SET "id" = "id" WHERE "id" = ${id}`,
  },
  Product: {
    clock: (db, id) => db.product.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "Product" SET "id" = "id" WHERE "id" = ${id}`,
  },
  Reservation: {
    clock: (db, id) => db.reservation.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "Reservation" SET "id" = "id" WHERE "id" = ${id}`,
  },
  PlayerScore: {
    clock: (db, id) => db.playerScore.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "PlayerScore" SET "id" = "id" WHERE "id" = ${id}`,
  },
  Order: {
    clock: (db, id) => db.order.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "Order" SET "id" = "id" WHERE "id" = ${id}`,
  },
  LedgerTransfer: {
    clock: (db, id) => db.ledgerTransfer.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "LedgerTransfer" SET "id" = "id" WHERE "id" = ${id}`,
  },
  ContentItem: {
    clock: (db, id) => db.contentItem.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "ContentItem" SET "id" = "id" WHERE "id" = ${id}`,
  },
  ContentVersion: {
    clock: (db, id) => db.contentVersion.findUnique({ where: { id }, select }),
    rewrite: (db, id) => db.$executeRaw`UPDATE "ContentVersion" SET "id" = "id" WHERE "id" = ${id}`,
  },
} satisfies Record<string, EntityAccess>;

/** A table whose rows are replicated. */
export type EntityType = keyof typeof ENTITIES;

/** Throws UnknownEntityError for a name that is not in the list. */
export function entityAccess(entityType: string): EntityAccess {
  if (!Object.hasOwn(ENTITIES, entityType)) throw new UnknownEntityError(entityType);
  return ENTITIES[entityType as EntityType];
}
