import { waitFor } from "@/__tests__/support/wait-for";
import { theWorld } from "./world";

/** The region whose database is told not to take something. */
export const FAR = "ap-southeast-1";

/** A title that it does not take while it is told so. */
export const FORBIDDEN = "Forbidden in Singapore";

export async function forbid(): Promise<void> {
  await theWorld().databases.rows(
    FAR,
    `ALTER TABLE "Document" ADD CONSTRAINT e2e_title CHECK (title <> '${FORBIDDEN}')`,
  );
}

export async function allow(): Promise<void> {
  const { databases } = theWorld();
  await databases.rows(FAR, `ALTER TABLE "Document" DROP CONSTRAINT IF EXISTS e2e_title`);
}

/** What waits is tried again soon, and not in half a minute. */
export async function hurry(): Promise<void> {
  await theWorld().databases.rows(
    FAR,
    "UPDATE mr.dead_letter SET due_at = clock_timestamp() WHERE open",
  );
}

/** Events of the document that the region could not apply, or that wait behind one. */
export async function parkedEvents(documentId: string): Promise<number> {
  const rows = await theWorld().databases.rows(
    FAR,
    "SELECT 1 FROM mr.dead_letter WHERE entity_id = $1 AND open",
    [documentId],
  );
  return rows.length;
}

/** Runs `during` while the region has a dead letter of the document; its title is another then. */
export async function withDeadLetter(
  documentId: string,
  during: () => Promise<void>,
): Promise<void> {
  const { databases } = theWorld();
  await databases.settled();
  const write = (title: string) =>
    databases.rows("us-east-1", `UPDATE "Document" SET title = $2 WHERE id = $1`, [
      documentId,
      title,
    ]);
  try {
    await forbid();
    await write(FORBIDDEN);
    await waitFor(async () => (await parkedEvents(documentId)) === 1, { what: "a dead letter" });
    await during();
  } finally {
    await allow();
    await write("Allowed again");
    await hurry();
    await waitFor(async () => (await parkedEvents(documentId)) === 0, {
      what: "the dead letter to be applied by itself",
      timeoutMs: 30_000,
    });
    await databases.settled();
  }
}

/** Two summaries of the same version of a document. Returns the id of the open conflict. */
export async function makeConflict(
  documentId: string,
  summaries: readonly [string, string],
): Promise<string> {
  const { databases } = theWorld();
  for (const summary of summaries) {
    await databases.rows(
      "us-east-1",
      `UPDATE "Document" d SET summary = $2, clock = v.clock
       FROM (SELECT "documentClock" AS clock FROM "DocumentVersion" WHERE "documentId" = $1) v
       WHERE d.id = $1`,
      [documentId, summary],
    );
  }
  const [conflict] = await databases.rows<{ id: string }>(
    "us-east-1",
    `SELECT id FROM "Conflict" WHERE "entityId" = $1 AND field = 'summary'`,
    [documentId],
  );
  if (!conflict) throw new Error("No conflict was recorded.");
  return conflict.id;
}
