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
} satisfies Record<string, EntityAccess>;

/** A table whose rows are replicated. */
export type EntityType = keyof typeof ENTITIES;

/** Throws UnknownEntityError for a name that is not in the list. */
export function entityAccess(entityType: string): EntityAccess {
  if (!Object.hasOwn(ENTITIES, entityType)) throw new UnknownEntityError(entityType);
  return ENTITIES[entityType as EntityType];
}
