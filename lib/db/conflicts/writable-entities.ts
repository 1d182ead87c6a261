import { createHash } from "node:crypto";
import { z } from "zod";
import { MeridianError } from "@/lib/errors";
import type {
  ContentItem as ContentItemRow,
  Prisma,
  PrismaClient,
} from "@/lib/generated/prisma/client";
import type { Json } from "./conflict-record";
import type { VectorClock } from "./vector-clock";

export type Db = PrismaClient | Prisma.TransactionClient;

/** A row with its metadata, as conflicts are decided about it. */
export interface StoredRow {
  id: string;
  /** Data columns by name, as JSON. No secret is among them. */
  values: Readonly<Record<string, Json>>;
  deletedAt: string | null;
  clock: VectorClock;
  hlc: bigint;
  origin: string;
  position: bigint;
  /** State of the row's registers; null for an entity that has none. */
  merge: Readonly<Record<string, Json>> | null;
  /** Who wrote the row last, where the entity says so. */
  author: string | null;
}

export interface WriteOptions {
  /** Writes only while the row's clock is this one. */
  when?: VectorClock;
  /** The version that the change started from; the database compares it in the write itself. */
  base?: VectorClock;
  author?: string;
  /** The register in which this write is a choice, even of the value that it shows already. */
  decides?: string;
}

export interface WritableEntity {
  columns: readonly string[];
  find(db: Db, id: string): Promise<StoredRow | null>;
  /** Null where no row was touched. Throws NotWritableError. */
  update(
    db: Db,
    id: string,
    changes: Readonly<Record<string, unknown>>,
    options: WriteOptions,
  ): Promise<StoredRow | null>;
}

/** A column, or an entity, that is not written through here; or a value that the column refuses. */
export class NotWritableError extends MeridianError {
  constructor(entityType: string, detail: string) {
    super("not-writable", `${entityType.slice(0, 40)}: ${detail}`);
  }
}

/** Postgres stores neither U+0000 nor half of a surrogate pair. */
const text = z
  .string()
  .refine((value) => !value.includes("\0") && value.isWellFormed(), "holds what can't be stored");
const instant = z
  .union([z.date(), z.iso.datetime({ offset: true }).transform((value) => new Date(value))])
  .nullable();

const user = z.strictObject({ name: text, email: text, role: z.enum(["user", "admin"]) }).partial();
const document = z.strictObject({ title: text, summary: text, deletedAt: instant }).partial();
const contentItem = z.strictObject({ title: text, body: text }).partial();
const collaborator = z
  .strictObject({ role: z.enum(["viewer", "editor"]), deletedAt: instant })
  .partial();

interface Metadata {
  id: string;
  deletedAt: Date | null;
  clock: unknown;
  hlc: bigint;
  origin: string;
  position: bigint;
  merge?: unknown;
  updatedBy?: string | null;
}

function toStored(row: Metadata | null | undefined, values: StoredRow["values"]): StoredRow | null {
  if (!row) return null;
  return {
    id: row.id,
    values,
    deletedAt: row.deletedAt?.toISOString() ?? null,
    clock: row.clock as VectorClock,
    hlc: row.hlc,
    origin: row.origin,
    position: row.position,
    merge: row.merge === undefined ? null : (row.merge as StoredRow["merge"]),
    author: row.updatedBy ?? null,
  };
}

const where = (id: string, { when }: WriteOptions) => ({
  id,
  ...(when === undefined ? {} : { clock: { equals: when } }),
});
const base = ({ base }: WriteOptions) => (base === undefined ? {} : { clock: base });
const order = ({ decides }: WriteOptions) =>
  decides === undefined ? {} : { merge: { $decide: [decides] } };
const by = ({ author }: WriteOptions) => (author === undefined ? {} : { updatedBy: author });

/**
 * What may be written, column by column: no name from outside reaches a statement. A document's
 * text is not here, because it is written together with the update that made it.
 */
const ENTITIES = {
  User: {
    columns: Object.keys(user.shape),
    async find(db, id) {
      const row = await db.user.findUnique({ where: { id } });
      return toStored(row, pick(row, ["name", "email", "role"]));
    },
    async update(db, id, changes, options) {
      const data = { ...parse("User", user, changes), ...base(options) };
      const [row] = await db.user.updateManyAndReturn({ where: where(id, options), data });
      return toStored(row, pick(row, ["name", "email", "role"]));
    },
  },
  Document: {
    columns: Object.keys(document.shape),
    async find(db, id) {
      const row = await db.document.findUnique({ where: { id } });
      return toStored(row, pick(row, ["title", "summary", "content", "ownerId"]));
    },
    async update(db, id, changes, options) {
      const parsed = parse("Document", document, changes);
      const data = { ...parsed, ...by(options), ...base(options), ...order(options) };
      const [row] = await db.document.updateManyAndReturn({ where: where(id, options), data });
      return toStored(row, pick(row, ["title", "summary", "content", "ownerId"]));
    },
  },
  Collaborator: {
    columns: Object.keys(collaborator.shape),
    async find(db, id) {
      const row = await db.collaborator.findUnique({ where: { id } });
      return toStored(row, pick(row, ["role", "documentId", "userId"]));
    },
    async update(db, id, changes, options) {
      const parsed = parse("Collaborator", collaborator, changes);
      const data = { ...parsed, ...by(options), ...base(options), ...order(options) };
      const [row] = await db.collaborator.updateManyAndReturn({ where: where(id, options), data });
      return toStored(row, pick(row, ["role", "documentId", "userId"]));
    },
  },
  ContentItem: {
    columns: Object.keys(contentItem.shape),
    async find(db, id) {
      const row = await db.contentItem.findUnique({ where: { id } });
      return toStored(row, pick(row, ["title", "body", "authorId"]));
    },
    async update(db, id, changes, options) {
      const parsed = parse("ContentItem", contentItem, changes);
      // A text that was chosen is one that nobody has reviewed yet.
      const data = {
        ...parsed,
        stage: "draft",
        ...by(options),
        ...base(options),
        ...order(options),
      };
      const [row] = await db.contentItem.updateManyAndReturn({ where: where(id, options), data });
      if (row) await addContentVersion(db, row, options);
      return toStored(row, pick(row, ["title", "body", "authorId"]));
    },
  },
} satisfies Record<string, WritableEntity>;

/**
 * An article's history has each change of it, written in its transaction. Its id follows from what was written on
 * top of what: a decision that is repeated elsewhere after an unknown outcome is one row of the history.
 */
async function addContentVersion(
  db: Db,
  { id: contentId, title, body, authorId, origin, clock }: ContentItemRow,
  { base, author = authorId }: WriteOptions,
): Promise<void> {
  const text = JSON.stringify([contentId, Object.entries(base ?? {}).sort(), author, title, body]);
  const id = createHash("sha256").update(text).digest("base64url");
  const regionId = origin.split("#", 1)[0] ?? origin;
  const version = { contentId, title, body, contentClock: clock ?? {}, authorId: author, regionId };
  await db.contentVersion.createMany({
    data: [{ id, action: "resolved", ...version }],
    skipDuplicates: true,
  });
}

export type WritableType = keyof typeof ENTITIES;

/** Null for an entity whose rows are not changed once they are written. */
export function findWritableEntity(entityType: string): WritableEntity | null {
  return Object.hasOwn(ENTITIES, entityType) ? ENTITIES[entityType as WritableType] : null;
}

/** Throws NotWritableError. */
export function writableEntity(entityType: string): WritableEntity {
  const entity = findWritableEntity(entityType);
  if (!entity) throw new NotWritableError(entityType, "rows of this entity are not changed.");
  return entity;
}

function parse<T>(entityType: string, schema: z.ZodType<T>, changes: unknown): T {
  const parsed = schema.safeParse(changes);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const column =
    issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : issue?.path.join(".");
  throw new NotWritableError(entityType, `${column?.slice(0, 80) ?? ""}: ${issue?.message ?? ""}`);
}

function pick<T extends object>(
  row: T | null | undefined,
  columns: readonly (keyof T & string)[],
): Record<string, Json> {
  return row ? Object.fromEntries(columns.map((column) => [column, row[column] as Json])) : {};
}
