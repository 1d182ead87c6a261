import { createHash } from "node:crypto";
import * as Y from "yjs";
import { contentOf } from "./ytext";

export interface SeedUpdate {
  /** Of its row: regions that seed the same document at once make the same row. */
  id: string;
  update: Uint8Array;
}

/**
 * The first update of a document that was made with `content` and has no updates yet. Derived from
 * its arguments alone, byte by byte, so that whoever makes it makes the same one, and two regions
 * that do so in a partition do not end with the text twice.
 */
export function seedUpdate(documentId: string, content: string): SeedUpdate {
  const hash = createHash("sha256")
    .update(JSON.stringify([documentId, content]))
    .digest();
  const doc = new Y.Doc();
  doc.clientID = hash.readUInt32BE(0);
  contentOf(doc).insert(0, content);
  return {
    id: `seed:${hash.toString("hex").slice(0, 40)}`,
    update: Y.encodeStateAsUpdate(doc),
  };
}
