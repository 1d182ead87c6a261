import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { placeWrite } from "@/lib/db/writes/place-write";
import { deleteDocument } from "@/lib/documents/write";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { LAB_USER } from "./invariants/client";

/** A statement of so many rows is short enough for the others to go on. */
const CHUNK = 500;

export interface StoryDocument {
  id: string;
  ownerId: string;
}

/**
 * Deletes what the lab wrote, by deletions that are replicated like any other: tombstones, which are collected
 * once every region has them. Throws where nobody leads or no region answers; it may be called again.
 */
export async function cleanUp(
  runtime: () => Runtime,
  vantage: RegionId,
  documents: readonly StoryDocument[],
): Promise<void> {
  for (;;) {
    const deleted = await placed(
      placeWrite("LabRow", vantage, deleteRows, { waitMs: 10_000, runtime }),
    );
    void runtime().wake(vantage, deleted.regionId);
    if (deleted.value < CHUNK) break;
  }
  const own = await placed(placeWrite("Document", vantage, findOwn, { runtime }));
  for (const { id, ownerId } of [
    ...own.value.map((id) => ({ id, ownerId: LAB_USER })),
    ...documents,
  ]) {
    // One that somebody deleted by hand is gone already: refused, and that is what was wanted.
    await deleteDocument({ userId: ownerId, vantage }, id);
    await placed(placeWrite("DocumentUpdate", vantage, (db) => deleteTexts(db, id), { runtime }));
  }
}

async function placed<T extends { kind: string }>(
  write: Promise<T>,
): Promise<Extract<T, { kind: "placed" }>> {
  const done = await write;
  if (done.kind !== "placed") throw new Error(`The lab's rows could not be deleted: ${done.kind}`);
  return done as Extract<T, { kind: "placed" }>;
}

function deleteRows(db: PrismaClient): Promise<number> {
  return db.$executeRaw`
    UPDATE "LabRow" SET "deletedAt" = now() WHERE "id" IN (
      SELECT "id" FROM "LabRow" WHERE "deletedAt" IS NULL LIMIT ${CHUNK})`;
}

async function findOwn(db: PrismaClient): Promise<string[]> {
  const rows = await db.document.findMany({
    where: { ownerId: LAB_USER, deletedAt: null },
    select: { id: true },
  });
  return rows.map(({ id }) => id);
}

async function deleteTexts(db: PrismaClient, documentId: string): Promise<number> {
  return db.$executeRaw`
    UPDATE "DocumentUpdate" SET "deletedAt" = now()
    WHERE "documentId" = ${documentId} AND "deletedAt" IS NULL`;
}
