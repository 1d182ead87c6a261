import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { isActor, type Actor } from "@/lib/db/regions/region-id";
import { parsePosition, type Position } from "@/lib/db/sessions/positions";
import { isTraceparent } from "@/lib/telemetry/traces";
import type { TracedWrite } from "./traced-writes";

/** Rows of one entity: `count` elements of an array of composites in PostgreSQL's binary format. */
export interface EntityRows {
  entity: string;
  count: number;
  elements: Buffer;
}

/** All events of one origin with `prev` < position <= `upto`, whole transactions only. */
export interface Batch {
  actor: Actor;
  prev: Position;
  upto: Position;
  schemaVersion: number;
  /** The origin's `clock_timestamp()` when it read them, as text. */
  sourceTime: string;
  /** Nothing past `upto` was committed at `sourceTime`. */
  complete: boolean;
  rows: readonly EntityRows[];
  /** Of its transactions that were made in a trace, as far as the publisher was told. */
  traces?: readonly TracedWrite[];
}

/**
 * - `batch`: events.
 * - `heartbeat`: there is nothing past `upto` as of `sourceTime`.
 * - `hint`: there is something up to `upto`, too large to push; pull it.
 */
export type BusMessage =
  | { kind: "batch"; batch: Batch }
  | { kind: "heartbeat"; actor: Actor; upto: Position; sourceTime: string }
  | { kind: "hint"; actor: Actor; upto: Position };

/**
 * Events of an entity in a pushed batch at most. A pull takes so many or a multiple: both then cut a stream at the same
 * positions, as long as its transactions have one event each, and one goes on where the other ends.
 */
export const BATCH_EVENTS = 1_000;

/** Larger messages are not sent and not read: a hint makes the applier pull instead. */
export const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

/** What is said of a batch that is too large to be pushed. */
export function toHint({ actor, upto }: Pick<Batch, "actor" | "upto">): BusMessage {
  return { kind: "hint", actor, upto };
}

/** In one message. */
const MAX_TRACES = 200;

const MAGIC = Buffer.from("MRB1");
const MAC_BYTES = 32;
const PREFIX_BYTES = MAGIC.length + MAC_BYTES + 4;

const actorSchema = z.custom<Actor>((value) => typeof value === "string" && isActor(value));
const positionSchema = z
  .string()
  .max(19)
  .transform((text, context): Position => {
    const position = parsePosition(text);
    if (position !== null) return position;
    context.addIssue({ code: "custom", message: "not a position" });
    return z.NEVER;
  });
const sourceTimeSchema = z
  .string()
  .max(40)
  .regex(/^[0-9: +.T-]+$/);

const headerSchema = z.discriminatedUnion("kind", [
  z
    .object({
      kind: z.literal("batch"),
      actor: actorSchema,
      prev: positionSchema,
      upto: positionSchema,
      schemaVersion: z.number().int().nonnegative(),
      sourceTime: sourceTimeSchema,
      complete: z.boolean(),
      rows: z
        .array(
          z
            .object({
              entity: z.string().max(63),
              count: z.number().int().positive(),
              bytes: z.number().int().positive(),
            })
            .strict(),
        )
        .max(256),
      /** Only there where there are some: a process of before there were any takes no other header. */
      traces: z
        .array(z.tuple([positionSchema, z.string().refine(isTraceparent)]))
        .max(MAX_TRACES)
        .optional(),
    })
    .strict(),
  z
    .object({
      kind: z.literal("heartbeat"),
      actor: actorSchema,
      upto: positionSchema,
      sourceTime: sourceTimeSchema,
    })
    .strict(),
  z.object({ kind: z.literal("hint"), actor: actorSchema, upto: positionSchema }).strict(),
]);

type HeaderInput = z.input<typeof headerSchema>;

function toHeader(message: BusMessage): HeaderInput {
  switch (message.kind) {
    case "batch": {
      const { actor, prev, upto, schemaVersion, sourceTime, complete, rows, traces } =
        message.batch;
      return {
        kind: "batch",
        actor,
        prev: prev.toString(),
        upto: upto.toString(),
        schemaVersion,
        sourceTime,
        complete,
        rows: rows.map(({ entity, count, elements }) => ({
          entity,
          count,
          bytes: elements.length,
        })),
        ...(traces && traces.length > 0 ? { traces: tracesToHeader(traces) } : {}),
      };
    }
    case "heartbeat":
      return { ...message, upto: message.upto.toString() };
    case "hint":
      return { ...message, upto: message.upto.toString() };
    default:
      return message satisfies never;
  }
}

function tracesToHeader(traces: readonly TracedWrite[]): [string, string][] {
  return traces
    .slice(0, MAX_TRACES)
    .map(({ position, traceparent }) => [position.toString(), traceparent]);
}

function mac(secret: string, body: Buffer): Buffer {
  return createHmac("sha256", secret).update(body).digest();
}

/** magic | HMAC-SHA256 of the rest | header length | header as JSON | elements of each entity. */
export function encodeMessage(secret: string, message: BusMessage): Buffer {
  const header = Buffer.from(JSON.stringify(toHeader(message)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length);
  const elements = message.kind === "batch" ? message.batch.rows.map((rows) => rows.elements) : [];
  const body = Buffer.concat([length, header, ...elements]);
  return Buffer.concat([MAGIC, mac(secret, body), body]);
}

/**
 * Null for everything that was not made by `encodeMessage` with the same secret, whatever it is:
 * messages are hints, and what a lost one said is pulled from the origin.
 */
export function decodeMessage(secret: string, bytes: Buffer): BusMessage | null {
  if (bytes.length < PREFIX_BYTES || bytes.length > MAX_MESSAGE_BYTES) return null;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  const given = bytes.subarray(MAGIC.length, MAGIC.length + MAC_BYTES);
  const body = bytes.subarray(MAGIC.length + MAC_BYTES);
  if (!timingSafeEqual(given, mac(secret, body))) return null;
  const headerEnd = 4 + body.readUInt32BE(0);
  if (headerEnd > body.length) return null;
  const header = parseHeader(body.subarray(4, headerEnd));
  if (header === null) return null;
  if (header.kind !== "batch") return headerEnd === body.length ? header : null;

  const rows: EntityRows[] = [];
  let offset = headerEnd;
  for (const { entity, count, bytes: size } of header.rows) {
    rows.push({ entity, count, elements: body.subarray(offset, offset + size) });
    offset += size;
  }
  if (offset !== body.length) return null;
  const { actor, prev, upto, schemaVersion, sourceTime, complete } = header;
  const batch = { actor, prev, upto, schemaVersion, sourceTime, complete, rows };
  const traces = header.traces?.map(([position, traceparent]) => ({ position, traceparent }));
  return { kind: "batch", batch: traces ? { ...batch, traces } : batch };
}

function parseHeader(bytes: Buffer): z.output<typeof headerSchema> | null {
  try {
    const parsed = headerSchema.safeParse(JSON.parse(bytes.toString("utf8")));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export function countEvents(batch: Batch): number {
  return batch.rows.reduce((sum, rows) => sum + rows.count, 0);
}

/** Bytes of its rows. */
export function sizeOf(batch: Batch): number {
  return batch.rows.reduce((sum, { elements }) => sum + elements.length, 0);
}

/** Batches that follow on each other, as one. */
export function joinBatches(first: Batch, ...following: readonly Batch[]): Batch {
  const last = following.at(-1);
  if (last === undefined) return first;
  const all = [first, ...following];
  const rows = joinParts(all.flatMap((batch) => batch.rows));
  const traces = all.flatMap((batch) => batch.traces ?? []);
  return { ...last, prev: first.prev, rows, ...(traces.length > 0 ? { traces } : {}) };
}

/** One item for each entity; the order of its rows stays. */
export function joinParts(rows: readonly EntityRows[]): EntityRows[] {
  const byEntity = new Map<string, EntityRows[]>();
  for (const part of rows) {
    const parts = byEntity.get(part.entity);
    if (parts) parts.push(part);
    else byEntity.set(part.entity, [part]);
  }
  return [...byEntity].map(([entity, parts]) => ({
    entity,
    count: parts.reduce((sum, { count }) => sum + count, 0),
    elements:
      parts.length === 1 && parts[0]
        ? parts[0].elements
        : Buffer.concat(parts.map(({ elements }) => elements)),
  }));
}

/**
 * Elements with the header of a one-dimensional array before them (`array_recv`): dimensions,
 * null flag, element type, length, lower bound.
 */
export function toBinaryArray(elementOid: number, rows: EntityRows): Buffer {
  const header = Buffer.alloc(20);
  header.writeInt32BE(1, 0);
  header.writeInt32BE(0, 4);
  header.writeUInt32BE(elementOid, 8);
  header.writeInt32BE(rows.count, 12);
  header.writeInt32BE(1, 16);
  return Buffer.concat([header, rows.elements]);
}
