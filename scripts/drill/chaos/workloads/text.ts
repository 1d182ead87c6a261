import * as Y from "yjs";
import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Positions } from "@/lib/db/sessions/positions";
import { readDocument } from "@/lib/documents/read";
import { readText } from "@/lib/documents/text/read-text";
import { fromBase64 } from "@/lib/documents/text/text-state";
import { toBase64 } from "@/lib/documents/text/wire";
import { contentOf } from "@/lib/documents/text/ytext";
import type { Actor } from "@/lib/documents/types";
import { sendTextUpdate } from "@/lib/documents/write";
import {
  CLIENT_WAIT_MS,
  client,
  detailOf,
  newName,
  stampOfReceipt,
  type World,
} from "@/scripts/drill/chaos/world";

export const TEXT_OWNER = "chaos-text";
export const LINE = "line";

const WRITE_PAUSE_MS = 1_500;
const READ_PAUSE_MS = 4_000;

/** Of a text, without what is no line of a client. */
export const linesOf = (text: string): string[] =>
  text.split("\n").filter((line) => line.startsWith(LINE));

/** In every region somebody who types lines below what they see in a shared document, and somebody who reads it. */
export function shareText(world: World, documentId: string): Promise<void> {
  const clients = world.regions.flatMap((vantage) => {
    const editor = new Editor(world, vantage, documentId);
    return [
      client(world, WRITE_PAUSE_MS, () => editor.step()),
      client(world, READ_PAUSE_MS, () => read(world, vantage, documentId)),
    ];
  });
  return Promise.all(clients).then(() => undefined);
}

/** Tells what a region has from what was typed here. */
const STORED = "stored";

type Called = ReturnType<World["history"]["invoke"]>;

/** A live editor, as a page has it: what was typed and not stored is sent again with the next line. */
class Editor {
  private readonly doc = new Y.Doc();
  private marker = "";
  private open: Positions = new Map();
  private readonly told = new Set<string>();
  private unsaved: Called[] = [];
  private unsent: Uint8Array | null = null;
  /** A region lacks what an edit builds on: it gets all of it. */
  private wholeNext = false;

  constructor(
    private readonly world: World,
    private readonly vantage: RegionId,
    private readonly documentId: string,
  ) {
    this.doc.on("update", (update: Uint8Array, from: unknown) => {
      if (from === STORED) return;
      this.unsent = this.unsent ? Y.mergeUpdates([this.unsent, update]) : update;
    });
  }

  /** One at a time, however long it takes: a second sending would overtake the first. */
  async step(): Promise<void> {
    await within(CLIENT_WAIT_MS, this.look()).catch(() => undefined);
    // Without a first look there is nothing to type into.
    if (this.marker === "") return;
    const line = newName(LINE);
    const text = contentOf(this.doc);
    const seen = linesOf(text.toString()).filter((each) => !this.told.has(each));
    // Its own last line too: that is shown like any other.
    for (const each of seen) this.told.add(each);
    const call = { document: this.documentId, line, seen };
    this.unsaved.push(this.world.history.invoke("text/append", this.vantage, call) as Called);
    text.insert(text.length, `\n${line}`);
    await this.send();
  }

  private actor(): Actor {
    const token = { kind: "valid" as const, positions: this.open };
    return { userId: TEXT_OWNER, vantage: this.vantage, token };
  }

  private async look(): Promise<void> {
    const stateVector = Y.encodeStateVector(this.doc);
    const known = { marker: this.marker, stateVector };
    const news = await readText(this.actor(), this.documentId, known);
    if (news?.update === undefined) return;
    Y.applyUpdate(this.doc, fromBase64(news.update), STORED);
    this.marker = news.marker;
  }

  private async send(): Promise<void> {
    const bytes = this.wholeNext ? Y.encodeStateAsUpdate(this.doc) : this.unsent!;
    const edit = { documentId: this.documentId, update: toBase64(bytes) };
    try {
      const sent = await sendTextUpdate(this.actor(), edit);
      if (!sent.ok) {
        this.wholeNext ||= sent.code === "behind";
        return;
      }
      this.open = sent.open;
      const stamp = stampOfReceipt(sent.receipt);
      for (const called of this.unsaved) called.ok(stamp);
      this.unsaved = [];
      this.unsent = null;
      this.wholeNext = false;
    } catch {
      // Kept, and open in the history.
    }
  }
}

async function read({ history }: World, vantage: RegionId, document: string): Promise<void> {
  const called = history.invoke("text/read", vantage, { document });
  try {
    const reading = readDocument({ userId: TEXT_OWNER, vantage }, document);
    const { value, receipt } = await within(CLIENT_WAIT_MS, reading);
    called.ok({ lines: linesOf(value?.document.content ?? ""), stale: receipt.stale });
  } catch (error) {
    called.info(detailOf(error));
  }
}
