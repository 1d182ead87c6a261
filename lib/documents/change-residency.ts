import { placementBy, type PlacementRule } from "@/lib/residency/placements";
import { acknowledge } from "./acknowledge";
import { NOT_FOUND, place } from "./place";
import { movePlacement } from "./statements";
import { refused, type Actor, type WriteOutcome } from "./types";

/**
 * Says where a document may be from now on. It is said where the document is; the regions then copy
 * its rows in or take them away, on their own time.
 */
export async function changeResidency(
  actor: Actor,
  input: { documentId: string; residency: string | null },
): Promise<WriteOutcome<PlacementRule>> {
  const started = performance.now();
  const rule = placementBy("Document", input.residency);
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
