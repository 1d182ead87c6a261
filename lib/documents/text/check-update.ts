import * as Y from "yjs";
import { CONTENT_MAX } from "@/lib/documents/types";
import { contentOf, docOf, TEXT_ROOT, waitingBytes } from "./ytext";

/** Room for pasting the longest document at once: three bytes for a character, and the frame. */
export const UPDATE_MAX_BYTES = 3 * CONTENT_MAX + 16 * 1024;

/**
 * Structs in one update. Placing one may compare it with all others at the same place, so this
 * bounds the square; what a person types, however fast, is joined into runs.
 */
export const UPDATE_MAX_STRUCTS = 4_000;

/** Yjs counts the characters that a client ever typed. No person gets near this. */
const MAX_CLOCK = 2 ** 31;

export const UPDATE_FAULTS = [
  "too-large",
  "not-base64",
  "undecodable",
  "too-many-parts",
  "not-text",
  "bad-clock",
  "unstorable",
  "too-long",
  "missing",
] as const;
export type UpdateFault = (typeof UPDATE_FAULTS)[number];

export type CheckedUpdate =
  /** `empty` is an update that does nothing to any document. */
  { ok: true; doc: Y.Doc; text: string; empty: boolean } | { ok: false; fault: UpdateFault };

const refuse = (fault: UpdateFault): CheckedUpdate => ({ ok: false, fault });

/** Null unless it is the canonical base64 of at most UPDATE_MAX_BYTES. */
export function parseUpdate(text: unknown): Uint8Array | "too-large" | "not-base64" {
  if (typeof text !== "string") return "not-base64";
  if (text.length > Math.ceil(UPDATE_MAX_BYTES / 3) * 4) return "too-large";
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return "not-base64";
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? new Uint8Array(bytes) : "not-base64";
}

/**
 * Tries an update on a copy of the document made of `state`. Never throws, and neither the update
 * nor the state is changed. What passes is plain text at the root "content", has all it depends on,
 * and leaves a text that can be stored.
 *
 * "missing" is not the sender's fault: the state may be behind what the sender has seen.
 */
export function checkUpdate(state: readonly Uint8Array[], update: Uint8Array): CheckedUpdate {
  if (update.byteLength > UPDATE_MAX_BYTES) return refuse("too-large");
  const decoded = decode(update);
  if (decoded === null) return refuse("undecodable");
  const fault = faultIn(decoded);
  if (fault) return refuse(fault);
  const doc = docOf(state);
  const before = contentOf(doc).length;
  const waiting = waitingBytes(doc);
  try {
    Y.applyUpdate(doc, update);
  } catch {
    return refuse("undecodable");
  }
  if (waitingBytes(doc) > waiting) return refuse("missing");
  if ([...doc.share.keys()].some((name) => name !== TEXT_ROOT)) return refuse("not-text");
  const text = contentOf(doc).toString();
  if (text.includes("\0") || !text.isWellFormed()) return refuse("unstorable");
  // Two regions may have filled it past the limit together; making it shorter must stay possible.
  if (text.length > CONTENT_MAX && text.length > before) return refuse("too-long");
  const empty = decoded.structs.length === 0 && decoded.ds.clients.size === 0;
  return { ok: true, doc, text, empty };
}

type Decoded = ReturnType<typeof Y.decodeUpdate>;

function decode(update: Uint8Array): Decoded | null {
  try {
    return Y.decodeUpdate(update);
  } catch {
    return null;
  }
}

/** What is wrong with an update wherever it is applied. */
function faultIn({ structs, ds }: Decoded): UpdateFault | null {
  if (structs.length > UPDATE_MAX_STRUCTS) return "too-many-parts";
  const ends = new Map<number, number>();
  for (const struct of structs) {
    const { client, clock } = struct.id;
    const end = clock + struct.length;
    if (struct.length <= 0 || end > MAX_CLOCK) return "bad-clock";
    // Runs of a client follow on each other; a gap would wait for what is never sent.
    if (ends.has(client) && ends.get(client) !== clock) return "bad-clock";
    ends.set(client, end);
    const fault = faultOf(struct);
    if (fault) return fault;
  }
  let ranges = 0;
  for (const list of ds.clients.values()) {
    ranges += list.length;
    if (ranges > UPDATE_MAX_STRUCTS) return "too-many-parts";
    if (list.some(({ clock, len }) => len <= 0 || clock + len > MAX_CLOCK)) return "bad-clock";
  }
  return null;
}

function faultOf(struct: Y.Item | Y.GC | Y.Skip): UpdateFault | null {
  if (struct instanceof Y.GC) return null;
  if (!(struct instanceof Y.Item)) return "bad-clock";
  if (struct.content instanceof Y.ContentString) {
    if (struct.content.str.includes("\0")) return "unstorable";
  } else if (!(struct.content instanceof Y.ContentDeleted)) {
    return "not-text";
  }
  // Before it is placed, an item has its root's name, or nothing where a neighbour tells it.
  const parent: unknown = struct.parent;
  const isRoot = parent === null || parent === undefined || parent === TEXT_ROOT;
  return isRoot && struct.parentSub === null ? null : "not-text";
}
