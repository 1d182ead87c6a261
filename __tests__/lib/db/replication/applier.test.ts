import { EventEmitter } from "node:events";
import type pg from "pg";
import { describe, expect, it } from "vitest";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { Applier } from "@/lib/db/replication/applier";
import type { Batch } from "@/lib/db/replication/batch";
import { toPosition } from "@/lib/db/sessions/positions";

const ORIGIN = "us-east-1" as RegionId;
const ACTOR = "us-east-1" as Actor;

/** Answers what its text asks for; the first of `answers` whose key is part of it. */
class FakePool extends EventEmitter {
  readonly asked: string[] = [];

  constructor(private readonly answers: Record<string, (values: unknown[]) => unknown[]>) {
    super();
  }

  async query(query: string | { text: string; values?: unknown[] }, values: unknown[] = []) {
    const text = typeof query === "string" ? query : query.text;
    const key = Object.keys(this.answers).find((part) => text.includes(part));
    if (key === undefined) throw new Error(`Nothing answers ${text}`);
    this.asked.push(key);
    const given = typeof query === "string" ? values : (query.values ?? []);
    return { rows: this.answers[key]!(given) };
  }
}

/** A source with an event at each of 1, 2 … `head`, of which it reads two at a time. */
function startApplier(head: number) {
  let cursor = 0;
  const applied: [number, number][] = [];
  const source = new FakePool({
    "mr.read_outbox": ([after]) => {
      const upto = Math.min(head, Number(after) + 2);
      const row = {
        actor: ACTOR,
        schema_version: 1,
        entity: "Document",
        events: upto - Number(after),
      };
      const rest = {
        payload: Buffer.alloc(8),
        too_large: false,
        withheld: false,
        upto: String(upto),
      };
      return [{ ...row, ...rest, source_time: "2026-11-27", complete: upto === head }];
    },
    "mr.local_actor()": () => [{ actor: ACTOR }],
    "mr.beat": () => [],
  });
  const target = new FakePool({
    "mr.entity": () => [{ name: "Document", oid: "1" }],
    "mr.peer_beat": () => [],
    "mr.apply_batch": ([, prev, upto]) => {
      applied.push([Number(prev), Number(upto)]);
      cursor = Number(upto);
      return [{ outcome: "applied" }];
    },
    "mr.stall": () => [],
    "SELECT position": () => [{ position: String(cursor) }],
  });
  const applier = new Applier({
    origin: ORIGIN,
    reader: "eu-west-1" as RegionId,
    source: source as unknown as pg.Pool,
    target: target as unknown as pg.Pool,
  });
  const reads = () => source.asked.filter((key) => key === "mr.read_outbox").length;
  return { applier, applied, reads };
}

function batch(prev: number, upto: number): Batch {
  return {
    actor: ACTOR,
    prev: toPosition(BigInt(prev)),
    upto: toPosition(BigInt(upto)),
    schemaVersion: 1,
    sourceTime: "2026-11-27",
    complete: false,
    rows: [{ entity: "Document", count: upto - prev, elements: Buffer.alloc(8) }],
  };
}

describe("an applier that is behind", () => {
  it("reads all that it lacks", async () => {
    const { applier, applied, reads } = startApplier(8);
    await applier.catchUp();
    expect(applied).toEqual([
      [0, 2],
      [2, 4],
      [4, 6],
      [6, 8],
    ]);
    expect(reads()).toBe(4);
  });

  it("reads up to what was pushed meanwhile, and no further", async () => {
    const { applier, applied, reads } = startApplier(8);
    for (const prev of [2, 4, 6]) applier.receive({ kind: "batch", batch: batch(prev, prev + 2) });
    await applier.catchUp();
    expect(applied).toEqual([
      [0, 2],
      [2, 8],
    ]);
    expect(reads()).toBe(1);
  });

  it("reads what lies between two pushed batches", async () => {
    const { applier, applied } = startApplier(8);
    for (const prev of [2, 6]) applier.receive({ kind: "batch", batch: batch(prev, prev + 2) });
    await applier.catchUp();
    expect(applied[0]).toEqual([0, 2]);
    expect(applied[1]).toEqual([2, 4]);
    expect(applied.at(-1)?.[1]).toBe(8);
    for (const [n, [prev]] of applied.slice(1).entries()) expect(prev).toBe(applied[n]![1]);
  });
});
