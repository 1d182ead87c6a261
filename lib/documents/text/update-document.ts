import { randomUUID } from "node:crypto";
import type { Sleep } from "@/lib/clock";
import { conflictId, hlcText } from "@/lib/db/conflicts/conflict-record";
import type { VectorClock } from "@/lib/db/conflicts/vector-clock";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { acknowledge, documentEvent } from "@/lib/documents/acknowledge";
import { NOT_FOUND, placeFromBase } from "@/lib/documents/place";
import {
  CONTENT_MAX,
  refused,
  type Actor,
  type DocumentClock,
  type Refused,
  type UpdatedDocument,
  type WriteOutcome,
} from "@/lib/documents/types";
import { toDocumentRow } from "@/lib/documents/views";
import { planSnapshot } from "./compaction";
import { makeUpdate } from "./edit-text";
import {
  covers,
  currentText,
  missingSeed,
  readTextState,
  textAtBase,
  updatesOf,
  type TextState,
} from "./text-state";
import { conflictsOf, writeText, type TextChange, type TextConflict } from "./text-statements";
import { threeWay } from "./three-way";
import { textOf } from "./ytext";

/** Attempts that each find another write in between before one is made without looking. */
const GUARDED_ATTEMPTS = 12;

export interface DocumentChange {
  documentId: string;
  title?: string | undefined;
  summary?: string | undefined;
  content?: string | undefined;
  baseVersion: DocumentClock;
  /** Saves a version even where nothing changes. */
  saveVersion?: boolean | undefined;
  /** Saved by itself while somebody types: the history keeps what they saved themselves. */
  unversioned?: boolean | undefined;
}

interface Edit {
  change: TextChange | null;
  conflict: TextConflict | null;
  text: string;
  merged: boolean;
  flagged: boolean;
  /** The state with the change in it, to be sent again where it is not known whether it was stored. */
  whole: Uint8Array | null;
}

type Outcome =
  | { kind: "behind" }
  | { kind: "unreadable" }
  | { kind: "forbidden" }
  | { kind: "refused"; refusal: Refused }
  | {
      kind: "written";
      value: UpdatedDocument;
      mark: { id: string; origin: string; position: bigint };
    };

/**
 * Changes a document, starting from the version with clock `baseVersion`. What others changed since
 * is kept: the text is merged line by line, and of title and summary the database decides by their
 * strategies. `flagged` says that the same lines were changed and both are in the text.
 *
 * @returns a refusal `conflict` with the current version where the text of the base can't be told
 */
export async function updateDocument(
  actor: Actor,
  input: DocumentChange,
  sleep?: Sleep,
): Promise<WriteOutcome<UpdatedDocument>> {
  const started = performance.now();
  const edit = new DocumentEdit(actor, input);
  const placed = await placeFromBase(
    actor,
    input.documentId,
    (db, regionId) => edit.attempt(db, regionId),
    (outcome) => outcome.kind === "behind",
    sleep,
  );
  if ("ok" in placed) return placed;
  const { row: outcome, route } = placed;
  switch (outcome.kind) {
    case "unreadable":
      return NOT_FOUND;
    case "forbidden":
      return FORBIDDEN;
    case "behind":
      return refused(
        "behind",
        "The version you started from has not reached any region that answers. Nothing was saved; try again in a moment.",
      );
    case "refused":
      return outcome.refusal;
    case "written": {
      const event = documentEvent(outcome.mark);
      return acknowledge(actor, started, route, event, outcome.value);
    }
    default:
      return outcome satisfies never;
  }
}

/** One change, however often and wherever it has to be tried. */
class DocumentEdit {
  private readonly versionId = randomUUID();
  private readonly updateId = randomUUID();
  /** Sent to a region that did not answer: it may be stored there, so it has to stay the same. */
  private unanswered: Edit | null = null;

  constructor(
    private readonly actor: Actor,
    private readonly input: DocumentChange,
  ) {}

  async attempt(db: PrismaClient, regionId: string): Promise<Outcome | null> {
    const { documentId, baseVersion, title, summary } = this.input;
    const { userId } = this.actor;
    for (let tries = 1; ; tries++) {
      const state = await readTextState(db, { userId, documentId, base: baseVersion });
      if (!state) return null;
      if (!state.readable) return { kind: "unreadable" };
      if (!state.writable) return { kind: "forbidden" };
      if (!covers(state.clock, baseVersion)) return { kind: "behind" };
      const earlier = this.unanswered;
      const edit = earlier ? again(earlier, state) : this.plan(state);
      if ("ok" in edit) return { kind: "refused", refusal: edit };
      this.unanswered = edit;
      const row = await writeText(db, {
        userId,
        regionId,
        documentId,
        title,
        summary,
        change: edit.change,
        seed: edit.change ? missingSeed(state) : null,
        snapshot: edit.change ? planSnapshot(state.updates) : null,
        conflict: edit.conflict,
        version: this.input.unversioned ? null : { id: this.versionId, content: edit.text },
        base: baseVersion,
        guard: earlier || tries >= GUARDED_ATTEMPTS ? null : state.clock,
      });
      this.unanswered = null;
      if (!row) return null;
      // Otherwise somebody wrote in between: what they wrote is looked at first.
      if (!row.wrote) continue;
      const stale = !covers(baseVersion, state.clock);
      const value: UpdatedDocument = {
        ...toDocumentRow({ ...row, content: edit.text }),
        merged: edit.merged,
        flagged: edit.flagged,
        conflicts: stale || edit.flagged ? await conflictsOf(db, row).catch(() => []) : [],
      };
      return { kind: "written", value, mark: row };
    }
  }

  private plan(state: TextState): Edit | Refused {
    const { content, baseVersion } = this.input;
    const theirs = currentText(state);
    const unchanged = { change: null, conflict: null, merged: false, flagged: false, whole: null };
    if (content === undefined) return { ...unchanged, text: theirs };
    const base = textAtBase(state, baseVersion);
    if (base === null) return conflict(state, theirs);
    const merged = threeWay(base, content, theirs);
    if (merged.text.length > CONTENT_MAX && merged.text.length > theirs.length) {
      return refused("invalid", TOO_LONG, { fields: { content: TOO_LONG } });
    }
    const made = makeUpdate(updatesOf(state), merged.text);
    if (made.update === null) return { ...unchanged, text: theirs, merged: content !== theirs };
    return {
      change: { id: this.updateId, update: made.update, content: made.text },
      conflict: merged.flagged ? conflictOf(state, theirs, content, this.versionId) : null,
      text: made.text,
      merged: merged.text !== content,
      flagged: merged.flagged,
      whole: made.whole,
    };
  }
}

const FORBIDDEN = refused(
  "forbidden",
  "You can read this document, but only an editor can change it.",
);

const TOO_LONG =
  "With what others wrote meanwhile the document would be longer than 100,000 characters.";

/** The same change on top of another region's state. Applying it twice is applying it once. */
function again(edit: Edit, state: TextState): Edit {
  if (!edit.change || !edit.whole) return { ...edit, text: currentText(state) };
  const text = textOf([...updatesOf(state), edit.whole]);
  return { ...edit, text, change: { ...edit.change, update: edit.whole, content: text } };
}

function conflict(state: TextState, theirs: string): Refused {
  return refused(
    "conflict",
    "This document was changed after you opened it, and the version you started from is no longer kept. Nothing of yours was saved yet.",
    { current: toDocumentRow({ ...state, content: theirs }) },
  );
}

function conflictOf(
  state: TextState,
  theirs: string,
  mine: string,
  versionId: string,
): TextConflict {
  const count = countOf(state.clock, state.origin);
  return {
    id: conflictId("Document", state.id, "content", [`${state.origin}:${count}`, versionId]),
    theirs: {
      value: theirs,
      clock: state.clock,
      hlc: hlcText(state.hlc),
      origin: state.origin,
      count,
      author: state.updatedBy,
      won: true,
    },
    mine,
  };
}

const countOf = (clock: VectorClock, actor: string) => clock[actor] ?? 0;
