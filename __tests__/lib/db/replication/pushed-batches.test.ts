import { describe, expect, it } from "vitest";
import type { Actor } from "@/lib/db/regions/region-id";
import type { Batch } from "@/lib/db/replication/batch";
import { PushedBatches } from "@/lib/db/replication/pushed-batches";
import { toPosition } from "@/lib/db/sessions/positions";

const US = "us-east-1" as Actor;
const at = (position: bigint, actor = US) => ({ actor, position: toPosition(position) });

function batch(
  prev: bigint,
  upto: bigint,
  { actor = US, schemaVersion = 1, bytes = 10, count = 1 } = {},
): Batch {
  const rows = [{ entity: "Document", count, elements: Buffer.alloc(bytes) }];
  const positions = { prev: toPosition(prev), upto: toPosition(upto) };
  return { actor, ...positions, schemaVersion, sourceTime: "now", complete: true, rows };
}
function holding(...batches: Batch[]): PushedBatches {
  const pushed = new PushedBatches();
  for (const each of batches) expect(pushed.add(each)).toBe(true);
  return pushed;
}

describe("batches that were pushed", () => {
  it("are taken together as far as each follows on the one before", () => {
    const pushed = holding(batch(1n, 2n), batch(2n, 5n), batch(7n, 8n));
    expect(pushed.continues(batch(0n, 2n))).toBe(true);
    expect(pushed.take(at(1n))).toMatchObject({
      kind: "batch",
      stranger: false,
      batch: { prev: 1n, upto: 5n },
    });
    expect(pushed.take(at(5n))).toEqual({ kind: "gap", stranger: false });
    expect(pushed.isEmpty).toBe(false);
  });

  it("are passed over once they are old", () => {
    const pushed = holding(batch(1n, 2n), batch(1n, 2n));
    expect(pushed.take(at(2n))).toEqual({ kind: "none", stranger: false });
    expect(pushed.isEmpty).toBe(true);
  });

  it("of another actor are left out, and told of", () => {
    const next = batch(0n, 3n, { actor: "us-east-1#1" as Actor });
    expect(holding(next).take(at(2n))).toEqual({ kind: "none", stranger: true });
    expect(holding(next, batch(2n, 3n)).take(at(2n))).toMatchObject({
      kind: "batch",
      stranger: true,
      batch: { actor: US },
    });
  });

  it("end where the schema's version does, and where a transaction would become too large", () => {
    const newer = batch(2n, 3n, { schemaVersion: 2 });
    expect(holding(batch(1n, 2n), newer).take(at(1n))).toMatchObject({ batch: { upto: 2n } });
    const large = { count: 3_000 };
    const pushed = holding(batch(1n, 2n, large), batch(2n, 3n, large));
    expect(pushed.take(at(1n))).toMatchObject({ batch: { upto: 2n } });
    expect(pushed.take(at(2n))).toMatchObject({ batch: { upto: 3n } });
  });

  it("are all dropped where there is no room for another one", () => {
    const half = { bytes: 9 * 1024 * 1024 };
    const pushed = holding(batch(1n, 2n, half));
    expect(pushed.add(batch(2n, 3n, half))).toBe(false);
    expect(pushed.isEmpty).toBe(true);
    expect(pushed.add(batch(3n, 4n, half))).toBe(true);
  });
});
