import * as Y from "yjs";
import type { Transport } from "@/components/documents/live/transport";
import { bytesOf, toBase64, type TextRefused } from "@/lib/documents/text/wire";

const RECEIPT = { regionId: "us-east-1" } as never;

/** A region with one document, behind a link that can be cut. */
export class TextServer implements Transport {
  readonly doc = new Y.Doc();
  readonly sent: string[] = [];
  online = true;
  refusal: TextRefused | null = null;
  /** Stores what comes and then loses the answer. */
  losesAnswers = false;

  constructor(content: string) {
    this.doc.getText("content").insert(0, content);
  }

  get text(): string {
    return this.doc.getText("content").toString();
  }

  async poll({ marker, stateVector }: { marker: string; stateVector: string }) {
    if (!this.online) throw new TypeError("offline");
    const now = toBase64(Y.encodeStateVector(this.doc)) + this.text.length;
    const update = toBase64(Y.encodeStateAsUpdate(this.doc, bytesOf(stateVector)));
    return {
      marker: now,
      ...(now === marker ? {} : { update }),
      clock: { "us-east-1": 1 },
      title: "T",
      access: "owner" as const,
      present: [],
      regionId: "us-east-1",
    };
  }

  async send(update: string) {
    if (!this.online) throw new TypeError("offline");
    this.sent.push(update);
    if (this.refusal) return this.refusal;
    Y.applyUpdate(this.doc, bytesOf(update));
    if (this.losesAnswers) throw new TypeError("no answer");
    return { ok: true as const, clock: {}, receipt: RECEIPT };
  }
}

/** What a browser's storage does. */
export class MemoryStorage {
  readonly map = new Map<string, string>();
  full = false;

  get length(): number {
    return this.map.size;
  }
  key(index: number): string | null {
    return [...this.map.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.map.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this.map.set(key, value);
  }
  removeItem(key: string): void {
    this.map.delete(key);
  }
}
