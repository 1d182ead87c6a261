import { createHash } from "node:crypto";
import type { Sleep } from "@/lib/clock";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { acknowledge, documentEvent } from "@/lib/documents/acknowledge";
import { NOT_FOUND, placeFromBase } from "@/lib/documents/place";
import {
  refused,
  type Actor,
  type DocumentClock,
  type Refused,
  type WriteOutcome,
} from "@/lib/documents/types";
import { checkUpdate, parseUpdate, type UpdateFault } from "./check-update";
import { planSnapshot } from "./compaction";
import { missingSeed, readTextState, updatesOf } from "./text-state";
import { writeText } from "./text-statements";

const FAULTS = {
  "too-large": "That edit is too large to be sent at once.",
  "not-base64": "That is not an edit of this document.",
  undecodable: "That is not an edit of this document.",
  "too-many-parts": "That edit has too many parts to be sent at once.",
  "not-text": "Only plain text can be added to this document.",
  "bad-clock": "That is not an edit of this document.",
  unstorable: "The text holds a character that can't be stored.",
  "too-long": "A document is at most 100,000 characters long.",
  missing: "This edit builds on another one that no region within reach has.",
} as const satisfies Record<UpdateFault, string>;

/** What the editor needs to know of what it sent. */
export interface SentUpdate {
  clock: DocumentClock;
}

type Outcome =
  | { kind: "behind" }
  | { kind: "refused"; refusal: Refused }
  | {
      kind: "written";
      clock: DocumentClock;
      mark: { id: string; origin: string; position: bigint };
    };

/**
 * Adds one Yjs update to a document's text. What is no edit of this text is refused and writes
 * nothing. Sending the same update again is harmless.
 *
 * What the text already includes is written all the same: it may have come from another region, and
 * only a write of this region has a mark that a session can wait for.
 *
 * @param update base64 of what `Y.encodeStateAsUpdate` or an "update" event gives
 */
export async function sendTextUpdate(
  actor: Actor,
  input: { documentId: string; update: unknown },
  sleep?: Sleep,
): Promise<WriteOutcome<SentUpdate>> {
  const started = performance.now();
  const update = parseUpdate(input.update);
  if (typeof update === "string") return refused("invalid", FAULTS[update]);
  const { documentId } = input;
  const hash = createHash("sha256").update(documentId).update(update).digest("hex");
  const placed = await placeFromBase<Outcome>(
    actor,
    documentId,
    (db, regionId) => attempt(db, { actor, regionId, documentId, update, id: hash.slice(0, 40) }),
    (outcome) => outcome.kind === "behind",
    sleep,
  );
  if ("ok" in placed) return placed;
  const { row, route } = placed;
  if (row.kind === "behind") return refused("behind", FAULTS.missing);
  if (row.kind === "refused") return row.refusal;
  return acknowledge(actor, started, route, documentEvent(row.mark), { clock: row.clock });
}

async function attempt(
  db: PrismaClient,
  input: { actor: Actor; regionId: string; documentId: string; update: Uint8Array; id: string },
): Promise<Outcome | null> {
  const { documentId, update, regionId } = input;
  const { userId } = input.actor;
  const state = await readTextState(db, { userId, documentId, base: null });
  if (!state) return null;
  if (!state.readable) return { kind: "refused", refusal: NOT_FOUND };
  if (!state.writable) {
    const message = "You can read this document, but only an editor can change it.";
    return { kind: "refused", refusal: refused("forbidden", message) };
  }
  const checked = checkUpdate(updatesOf(state), update);
  if (!checked.ok) {
    if (checked.fault === "missing") return { kind: "behind" };
    return { kind: "refused", refusal: refused("invalid", FAULTS[checked.fault]) };
  }
  if (checked.empty) return { kind: "written", clock: state.clock, mark: state };
  const row = await writeText(db, {
    userId,
    regionId,
    documentId,
    change: { id: input.id, update, content: checked.text },
    seed: missingSeed(state),
    snapshot: planSnapshot(state.updates),
    conflict: null,
    version: null,
    base: null,
    guard: null,
  });
  if (!row) return null;
  // Access was taken away between the two statements.
  if (!row.wrote) return { kind: "refused", refusal: NOT_FOUND };
  return { kind: "written", clock: row.clock, mark: row };
}
