import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage, joinBatches, type Batch } from "@/lib/db/replication/batch";
import { fromWake, toWake, TracedWrites } from "@/lib/db/replication/traced-writes";
import type { Actor } from "@/lib/db/regions/region-id";
import { toPosition } from "@/lib/db/sessions/positions";

const SECRET = "a-secret-of-this-test-with-32-characters";
const PARENT = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const at = (position: number) => toPosition(BigInt(position));
const write = (position: number) => ({ position: at(position), traceparent: PARENT });

const batch = (prev: number, upto: number, traces?: Batch["traces"]): Batch => ({
  actor: "us-east-1" as Actor,
  prev: at(prev),
  upto: at(upto),
  schemaVersion: 1,
  sourceTime: "2026-01-01 00:00:00+00",
  complete: true,
  rows: [],
  ...(traces ? { traces } : {}),
});

describe("what a wake-up says of a trace", () => {
  it("comes back", () => {
    expect(fromWake(toWake(7n, PARENT))).toEqual(write(7));
  });

  it.each([
    ["nothing", toWake(7n, null)],
    ["no position", toWake(undefined, PARENT)],
    ["nonsense", "7 00-zz-zz-01"],
    ["a trace that is not sampled", `7 ${PARENT.slice(0, -1)}0`],
    ["a trace of zeros", `7 00-${"0".repeat(32)}-${"b".repeat(16)}-01`],
    ["more", `7 ${PARENT} 8`],
    ["a position that is none", `-7 ${PARENT}`],
  ])("is nothing for %s", (_what, text) => {
    expect(fromWake(text)).toBeNull();
  });
});

describe("traces of a batch", () => {
  it("are those of its transactions, each told once", () => {
    const noted = new TracedWrites();
    for (const position of [3, 5, 8]) noted.note(write(position));
    expect(noted.take(at(4), at(7))).toEqual([write(5)]);
    expect(noted.take(at(7), at(9))).toEqual([write(8)]);
    expect(noted.take(at(0), at(9))).toEqual([]);
  });

  it("travel in its message, and are joined with it", () => {
    const sent = batch(1, 5, [write(5)]);
    const message = { kind: "batch", batch: sent } as const;
    expect(decodeMessage(SECRET, encodeMessage(SECRET, message))).toEqual(message);
    expect(joinBatches(sent, batch(5, 6), batch(6, 8, [write(8)])).traces).toEqual([
      write(5),
      write(8),
    ]);
  });

  it("leave a message without any as it was before there were any", () => {
    const none = encodeMessage(SECRET, { kind: "batch", batch: batch(1, 5) });
    expect(encodeMessage(SECRET, { kind: "batch", batch: batch(1, 5, []) })).toEqual(none);
    expect(joinBatches(batch(1, 5), batch(5, 6))).not.toHaveProperty("traces");
  });

  it("are refused with their message where one is malformed", () => {
    const forged = [{ position: at(5), traceparent: "x".repeat(55) }];
    const message = { kind: "batch", batch: batch(1, 5, forged) } as const;
    expect(decodeMessage(SECRET, encodeMessage(SECRET, message))).toBeNull();
  });
});
