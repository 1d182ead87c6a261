import type { Receipt } from "@/lib/db/read-your-writes";
import type { Access, DocumentClock, RefusalCode } from "@/lib/documents/types";
import type { Present } from "./presence";

/* What an open document and /api/documents/[id]/text and /title say to each other, as JSON. */

/** An answer to a poll. */
export interface TextNews {
  /** Stands for what the region has; sent with the next poll. */
  marker: string;
  /** What the editor lacks, in base64; absent where its marker is the region's. */
  update?: string;
  clock: DocumentClock;
  title: string;
  access: Access;
  present: Present[];
  regionId: string;
}

export interface TextSent {
  ok: true;
  clock: DocumentClock;
  receipt: Receipt;
}

/** The answer to a title that the open document sent by itself. */
export interface TitleSaved extends TextSent {
  /** As it is stored: without the space around it. */
  title: string;
}

export interface TextRefused {
  ok: false;
  code: RefusalCode;
  message: string;
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  // In pieces: an argument list has a limit.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}

export function bytesOf(base64: string): Uint8Array {
  const binary = atob(base64);
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
