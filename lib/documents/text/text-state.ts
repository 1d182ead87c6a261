import type { Prisma, PrismaClient } from "@/lib/generated/prisma/client";
import { compareClocks, mergeClocks, type VectorClock } from "@/lib/db/conflicts/vector-clock";
import { seedUpdate, type SeedUpdate } from "./seed-update";
import { contentOf, docOf, textOf, waitingBytes } from "./ytext";

export type Db = PrismaClient | Prisma.TransactionClient;

/** A row of "DocumentUpdate", its bytes as base64. */
export interface StoredUpdate {
  id: string;
  update: string;
  /** The write of the document that it came with. */
  clock: VectorClock;
  isSnapshot: boolean;
}

/** What a write of a document's text starts from, all of one snapshot. */
export interface TextState {
  id: string;
  title: string;
  summary: string;
  content: string;
  contentHead: string;
  clock: VectorClock;
  hlc: bigint;
  origin: string;
  position: bigint;
  createdAt: Date;
  updatedAt: Date;
  updatedBy: string | null;
  readable: boolean;
  writable: boolean;
  /** In the order in which they are applied; empty for a document that plain SQL made. */
  updates: StoredUpdate[];
  /** The saved state with the clock that was asked for, if there is one. */
  baseContent: string | null;
  /** The write that the stored content is from. */
  contentStamp: { o: string; n: number } | null;
}

/**
 * @param base clock of the version that a change starts from; null where it starts from no version
 * @returns null where the document is unknown or deleted
 */
export async function readTextState(
  db: Db,
  input: { userId: string; documentId: string; base: VectorClock | null },
): Promise<TextState | null> {
  const base = input.base === null ? null : JSON.stringify(input.base);
  const rows = await db.$queryRaw<TextState[]>`
    WITH target AS (
      SELECT d.*, CASE WHEN d."ownerId" = ${input.userId}::text THEN 'owner'
        ELSE (SELECT min(c."role") FROM "Collaborator" c
          WHERE c."documentId" = d."id" AND c."userId" = ${input.userId}::text
            AND c."deletedAt" IS NULL) END AS "access"
      FROM "Document" d
      WHERE d."id" = ${input.documentId}::text AND d."deletedAt" IS NULL
    )
    SELECT t."id", t."title", t."summary", t."content", t."contentHead", t."clock", t."hlc",
      t."origin", t."position", t."createdAt", t."updatedAt", t."updatedBy",
      t."access" IS NOT NULL AS "readable",
      coalesce(t."access" IN ('owner', 'editor'), false) AS "writable",
      (SELECT coalesce(jsonb_agg(jsonb_build_object('id', u."id",
          'update', translate(encode(u."update", 'base64'), E'\n', ''), 'clock', u."documentClock",
          'isSnapshot', u."isSnapshot")
          ORDER BY u."hlc", u."origin" COLLATE "C", u."id" COLLATE "C"), '[]')
        FROM "DocumentUpdate" u
        WHERE u."documentId" = t."id" AND u."deletedAt" IS NULL) AS "updates",
      (SELECT v."content" FROM "DocumentVersion" v
        WHERE v."documentId" = t."id" AND v."documentClock" = ${base}::jsonb
          AND v."deletedAt" IS NULL LIMIT 1) AS "baseContent",
      coalesce(t."merge" -> 'content', t."merge" -> '$0') AS "contentStamp"
    FROM target t`;
  return rows[0] ?? null;
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** Whether everything that `part` includes is in `whole`. */
export function covers(whole: VectorClock, part: VectorClock): boolean {
  const order = compareClocks(whole, part);
  return order === "after" || order === "equal";
}

/** The first update of a document without any, with the clock of the content that it is made of. */
export function missingSeed(state: TextState): (SeedUpdate & { clock: VectorClock }) | null {
  if (state.updates.length > 0) return null;
  return { ...seedUpdate(state.id, state.content), clock: contentClock(state) };
}

function contentClock({ contentStamp, clock }: TextState): VectorClock {
  return contentStamp && clock[contentStamp.o] !== undefined
    ? { [contentStamp.o]: contentStamp.n }
    : clock;
}

export function updatesOf(state: TextState): Uint8Array[] {
  const seed = missingSeed(state);
  return seed ? [seed.update] : state.updates.map(({ update }) => fromBase64(update));
}

export function currentText(state: TextState): string {
  return state.updates.length === 0 ? state.content : textOf(updatesOf(state));
}

/** What the text was at a base version, or null where too much has been joined since. */
export function textAtBase(state: TextState, base: VectorClock): string | null {
  if (covers(base, state.clock)) return currentText(state);
  const seed = missingSeed(state);
  if (seed) return covers(base, seed.clock) ? state.content : state.baseContent;
  // A snapshot has the clock that covers all it replaced: only one that is covered holds nothing newer.
  if (state.updates.some(({ isSnapshot, clock }) => isSnapshot && !covers(base, clock))) {
    return state.baseContent;
  }
  const seen = state.updates.filter(({ clock }) => covers(base, clock));
  if (seen.length === 0) return state.baseContent;
  const doc = docOf(seen.map(({ update }) => fromBase64(update)));
  return waitingBytes(doc) === 0 ? contentOf(doc).toString() : state.baseContent;
}

export function joinedClock(updates: readonly StoredUpdate[]): VectorClock {
  return updates.reduce<VectorClock>((joined, { clock }) => mergeClocks(joined, clock), {});
}
