import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  countEvents,
  decodeMessage,
  encodeMessage,
  joinBatches,
  MAX_MESSAGE_BYTES,
  toBinaryArray,
  type Batch,
  type BusMessage,
  type EntityRows,
} from "@/lib/db/replication/batch";
import { toPosition } from "@/lib/db/sessions/positions";
import { actor } from "@/__tests__/support/overviews";

const SECRET = "replication-secret-of-the-tests-012345";
const TIME = "2026-11-23 10:00:00.123456+00";

function batch(changes: Partial<Batch> = {}): Batch {
  return {
    actor: actor("us-east-1"),
    prev: toPosition(10n),
    upto: toPosition(2n ** 60n + 1n),
    schemaVersion: 4,
    sourceTime: TIME,
    complete: true,
    rows: [
      { entity: "Document", count: 2, elements: Buffer.from("two documents") },
      { entity: "User", count: 1, elements: Buffer.from([0, 1, 2, 255]) },
    ],
    ...changes,
  };
}

const MESSAGE: BusMessage = { kind: "batch", batch: batch() };

const actorName = fc.constantFrom("us-east-1", "eu-west-1#7", "ap-southeast-1").map(actor);
const position = fc.bigInt(0n, 2n ** 63n - 1n).map((value) => toPosition(value));
const sourceTime = fc.constantFrom(TIME, "2026-11-23 10:00:00-05:30", "1999-01-01 00:00:00+00");
const rows: fc.Arbitrary<EntityRows> = fc.record({
  entity: fc.constantFrom("Document", "User", "Collaborator", "DocumentVersion"),
  count: fc.integer({ min: 1, max: 100_000 }),
  elements: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});
const anyBatch: fc.Arbitrary<Batch> = fc.record({
  actor: actorName,
  prev: position,
  upto: position,
  schemaVersion: fc.nat(),
  sourceTime,
  complete: fc.boolean(),
  rows: fc.array(rows, { maxLength: 6 }),
});
const message: fc.Arbitrary<BusMessage> = fc.oneof(
  anyBatch.map((value): BusMessage => ({ kind: "batch", batch: value })),
  fc.record({
    kind: fc.constant("heartbeat" as const),
    actor: actorName,
    upto: position,
    sourceTime,
  }),
  fc.record({ kind: fc.constant("hint" as const), actor: actorName, upto: position }),
);

describe("a message of the bus", () => {
  test("comes back as it was sent", () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(decodeMessage(SECRET, encodeMessage(SECRET, sent))).toEqual(sent);
      }),
    );
  });

  test("is refused by whoever has another secret", () => {
    fc.assert(
      fc.property(message, fc.string(), (sent, secret) => {
        fc.pre(secret !== SECRET);
        expect(decodeMessage(secret, encodeMessage(SECRET, sent))).toBeNull();
      }),
    );
  });

  test("is refused with any one bit changed", () => {
    const bytes = encodeMessage(SECRET, MESSAGE);
    const believed: string[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        if (decodeMessage(SECRET, changed) !== null) believed.push(`${at}.${bit}`);
      }
    }
    expect(believed).toEqual([]);
    expect(decodeMessage(SECRET, bytes)).not.toBeNull();
  });

  test("is refused cut or with anything added", () => {
    const bytes = encodeMessage(SECRET, MESSAGE);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeMessage(SECRET, bytes.subarray(0, length))).toBeNull();
      expect(decodeMessage(SECRET, bytes.subarray(bytes.length - length))).toBeNull();
    }
    expect(decodeMessage(SECRET, Buffer.concat([bytes, Buffer.from([0])]))).toBeNull();
    expect(decodeMessage(SECRET, Buffer.concat([Buffer.from([0]), bytes]))).toBeNull();
  });

  test("is refused past the size that is sent, and not before", () => {
    const sized = (size: number) =>
      encodeMessage(SECRET, {
        kind: "batch",
        batch: batch({ rows: [{ entity: "Document", count: 1, elements: Buffer.alloc(size, 7) }] }),
      });
    // The header's own length depends on the digits of the size, so both have seven.
    const overhead = sized(1_000_000).length - 1_000_000;
    const largest = sized(MAX_MESSAGE_BYTES - overhead);
    expect(largest.length).toBe(MAX_MESSAGE_BYTES);
    expect(decodeMessage(SECRET, largest)?.kind).toBe("batch");
    expect(decodeMessage(SECRET, sized(MAX_MESSAGE_BYTES - overhead + 1))).toBeNull();
  });

  test("any bytes at all are answered with null", () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value));
    const magic = Buffer.from("MRB1");
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          bytes.map((rest) => Buffer.concat([magic, rest])),
        ),
        (value) => {
          expect(decodeMessage(SECRET, value)).toBeNull();
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** As another version of the code, or whoever has the secret, might send it. */
describe("a body that is signed and still not a message's", () => {
  const BATCH = {
    kind: "batch",
    actor: "us-east-1",
    prev: "1",
    upto: "2",
    schemaVersion: 1,
    sourceTime: TIME,
    complete: true,
    rows: [{ entity: "Document", count: 1, bytes: 3 }],
  };
  const HINT = { kind: "hint", actor: "us-east-1", upto: "2" };

  function sealed(body: Buffer): Buffer {
    return Buffer.concat([
      Buffer.from("MRB1"),
      createHmac("sha256", SECRET).update(body).digest(),
      body,
    ]);
  }

  function signed(header: unknown, elements = Buffer.from("abc"), headerLength?: number): Buffer {
    const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(headerLength ?? text.length);
    return sealed(Buffer.concat([length, text, elements]));
  }

  test("the way it is signed here is the right one", () => {
    expect(decodeMessage(SECRET, signed(BATCH))).toMatchObject({ batch: { upto: 2n } });
    expect(decodeMessage(SECRET, signed(HINT, Buffer.alloc(0)))).toEqual({ ...HINT, upto: 2n });
  });

  test.each<[string, Buffer]>([
    ["no header", sealed(Buffer.alloc(4))],
    ["a header longer than the message", signed(BATCH, Buffer.from("abc"), 5_000)],
    ["a header of 4 GB", signed(BATCH, Buffer.from("abc"), 0xffffffff)],
    ["a header cut short", signed(BATCH, Buffer.from("abc"), 20)],
    ["no JSON", signed("{", Buffer.alloc(0))],
    ["null", signed("null", Buffer.alloc(0))],
    ["an unknown kind", signed({ ...HINT, kind: "order" }, Buffer.alloc(0))],
    ["one field more", signed({ ...HINT, force: true }, Buffer.alloc(0))],
    ["a hint with elements", signed(HINT)],
    ["fewer elements than said", signed(BATCH, Buffer.from("ab"))],
    ["more elements than said", signed(BATCH, Buffer.from("abcd"))],
    ["an actor that is none", signed({ ...BATCH, actor: "us_east'" })],
    ["a position that is a number", signed({ ...BATCH, upto: 2 })],
    ["a negative position", signed({ ...BATCH, prev: "-1" })],
    ["a position of 2^63", signed({ ...BATCH, upto: (2n ** 63n).toString() })],
    ["a time with SQL in it", signed({ ...BATCH, sourceTime: "now()" })],
    ["a time without end", signed({ ...BATCH, sourceTime: "1".repeat(41) })],
    ["a count of 0", signed({ ...BATCH, rows: [{ entity: "Document", count: 0, bytes: 3 }] })],
    ["a negative size", signed({ ...BATCH, rows: [{ entity: "D", count: 1, bytes: -3 }] })],
    [
      "sizes that cancel out",
      signed({
        ...BATCH,
        rows: [
          { entity: "D", count: 1, bytes: 6 },
          { entity: "U", count: 1, bytes: -3 },
        ],
      }),
    ],
    [
      "more entities than any schema has",
      signed(
        {
          ...BATCH,
          rows: Array.from({ length: 257 }, () => ({ entity: "D", count: 1, bytes: 1 })),
        },
        Buffer.alloc(257),
      ),
    ],
  ])("%s", (_name, bytes) => {
    expect(decodeMessage(SECRET, bytes)).toBeNull();
  });
});

describe("joinBatches", () => {
  test("one batch is itself", () => {
    const only = batch();
    expect(joinBatches(only)).toBe(only);
  });

  test("spans from the first to the last, with the rows of each entity in order", () => {
    const first = batch({ prev: toPosition(10n), upto: toPosition(20n), complete: false });
    const last = batch({
      prev: toPosition(20n),
      upto: toPosition(30n),
      sourceTime: "2026-11-23 10:00:01+00",
      complete: true,
      rows: [
        { entity: "User", count: 3, elements: Buffer.from([9]) },
        { entity: "Collaborator", count: 1, elements: Buffer.from([8]) },
      ],
    });
    const joined = joinBatches(first, last);
    expect(joined).toEqual({
      ...last,
      prev: 10n,
      upto: 30n,
      complete: true,
      rows: [
        { entity: "Document", count: 2, elements: Buffer.from("two documents") },
        { entity: "User", count: 4, elements: Buffer.from([0, 1, 2, 255, 9]) },
        { entity: "Collaborator", count: 1, elements: Buffer.from([8]) },
      ],
    });
    expect(first.rows[0]?.elements).toEqual(Buffer.from("two documents"));
  });

  test("loses and repeats no event, and does not care how it is grouped", () => {
    const bytesOf = (of: Batch) => of.rows.reduce((sum, { elements }) => sum + elements.length, 0);
    fc.assert(
      fc.property(anyBatch, anyBatch, anyBatch, (a, b, c) => {
        const joined = joinBatches(a, b, c);
        expect(countEvents(joined)).toBe(countEvents(a) + countEvents(b) + countEvents(c));
        expect(bytesOf(joined)).toBe(bytesOf(a) + bytesOf(b) + bytesOf(c));
        expect(new Set(joined.rows.map(({ entity }) => entity)).size).toBe(joined.rows.length);
        expect(joinBatches(joinBatches(a, b), c)).toEqual(joined);
        expect([joined.prev, joined.upto, joined.sourceTime]).toEqual([
          a.prev,
          c.upto,
          c.sourceTime,
        ]);
      }),
    );
  });
});

test("countEvents adds up the entities", () => {
  expect(countEvents(batch())).toBe(3);
  expect(countEvents(batch({ rows: [] }))).toBe(0);
});

describe("toBinaryArray", () => {
  test("puts the header of array_recv before the elements", () => {
    const array = toBinaryArray(16_385, {
      entity: "User",
      count: 3,
      elements: Buffer.from([1, 2, 3]),
    });
    expect(array.toString("hex")).toBe(
      [
        "00000001", // dimensions
        "00000000", // no nulls
        "00004001", // element type
        "00000003", // length
        "00000001", // lower bound
        "010203",
      ].join(""),
    );
  });

  test("an oid may have its highest bit set", () => {
    const array = toBinaryArray(0xfffffffe, {
      entity: "User",
      count: 1,
      elements: Buffer.from([0]),
    });
    expect(array.readUInt32BE(8)).toBe(0xfffffffe);
  });
});
