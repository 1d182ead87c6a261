import * as Y from "yjs";
import type { RegionId } from "@/lib/db/regions/region-id";
import { mergePositions, positionsFromJson, type Positions } from "@/lib/db/sessions/positions";
import { seedUpdate } from "@/lib/documents/text/seed-update";
import { toBase64 } from "@/lib/documents/text/wire";
import { contentOf } from "@/lib/documents/text/ytext";
import type { RefusalCode, Actor } from "@/lib/documents/types";
import { sendTextUpdate } from "@/lib/documents/write";

export type Typed =
  | {
      kind: "saved";
      /** All that is saved by now and was not before. */
      lines: string[];
      /** The region that took it. */
      regionId: RegionId;
      /** Of these lines and of all that they build on: a region that lacks one shows none of them. */
      needs: Positions;
    }
  /** Kept, and sent again with the next line. */
  | { kind: "unsaved"; code: RefusalCode; message: string };

/** Somebody who types lines into a document, in one region, as the live editor sends them. */
export class Typist {
  private readonly doc = new Y.Doc();
  private unsent: Uint8Array | null = null;
  private unsaved: string[] = [];
  /** A region lacks what an edit builds on: it gets all of it. */
  private wholeNext = false;
  private written: Positions;

  /** @param content with which the document was made */
  constructor(
    private readonly actor: Actor,
    readonly documentId: string,
    content: string,
  ) {
    this.written = actor.token?.kind === "valid" ? actor.token.positions : new Map();
    Y.applyUpdate(this.doc, seedUpdate(documentId, content).update);
    this.doc.on("update", (update: Uint8Array) => {
      this.unsent = this.unsent ? Y.mergeUpdates([this.unsent, update]) : update;
    });
  }

  get vantage(): RegionId {
    return this.actor.vantage;
  }

  /** What this session must see, as its cookie would say. */
  get session(): Actor {
    return { ...this.actor, token: { kind: "valid", positions: this.written } };
  }

  /** Throws what the stores throw; the line is kept then too. */
  async type(line: string): Promise<Typed> {
    const text = contentOf(this.doc);
    text.insert(text.length, `\n${line}`);
    this.unsaved.push(line);
    const update = this.wholeNext ? Y.encodeStateAsUpdate(this.doc) : this.unsent!;
    const sent = await sendTextUpdate(this.session, {
      documentId: this.documentId,
      update: toBase64(update),
    });
    if (!sent.ok) {
      this.wholeNext ||= sent.code === "behind";
      return { kind: "unsaved", code: sent.code, message: sent.message };
    }
    const lines = this.unsaved;
    this.unsaved = [];
    this.unsent = null;
    this.wholeNext = false;
    const mark = positionsFromJson(sent.receipt.applied);
    if (!mark) throw new Error("A write's receipt has the position of the write");
    this.written = mergePositions(this.written, mark);
    return {
      kind: "saved",
      lines,
      regionId: sent.receipt.regionId as RegionId,
      needs: this.written,
    };
  }
}
