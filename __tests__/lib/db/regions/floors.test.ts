import { describe, expect, it } from "vitest";
import { cursorView, overview, peerView } from "@/__tests__/support/overviews";
import { Floors, SETTLED_AFTER_MS } from "@/lib/db/regions/floors";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { NOTHING, toPosition } from "@/lib/db/sessions/positions";

const EU = "eu-west-1" as RegionId;
const US = "us-east-1";

/** Dublin, which has all of Virginia up to a position; Virginia has its own. */
const having = (position: bigint) =>
  overview({
    region: EU,
    registered: [EU, US],
    peers: [peerView(US)],
    cursors: [cursorView(US, { position: toPosition(position) })],
  });

function floors() {
  const clock = { ms: 1_000 };
  const made = new Floors(() => clock.ms);
  const hear = (position: bigint) => made.of(EU, having(position));
  return { clock, hear, settled: () => made.settled(EU).get(US as Actor) };
}

describe("what has settled", () => {
  it("is nothing until it has been everywhere for a while", () => {
    const { clock, hear, settled } = floors();
    expect(hear(5n).get(US as Actor)).toBe(5n);
    clock.ms += SETTLED_AFTER_MS - 1;
    expect(settled()).toBeUndefined();
    clock.ms += 1;
    expect(settled()).toBe(5n);
  });

  it("is what was everywhere then, and not what has come since", () => {
    const { clock, hear, settled } = floors();
    hear(5n);
    clock.ms += 5_000;
    hear(9n);
    clock.ms += SETTLED_AFTER_MS - 1;
    expect(settled()).toBe(5n);
    clock.ms += 1;
    expect(settled()).toBe(9n);
  });

  it("stays known where nobody has asked for long", () => {
    const { clock, hear, settled } = floors();
    hear(5n);
    clock.ms += 1_000_000;
    hear(9n);
    expect(settled()).toBe(5n);
  });

  it("is what a vantage knows itself", () => {
    const clock = { ms: 1_000 };
    const made = new Floors(() => clock.ms);
    made.of(EU, having(5n));
    clock.ms += SETTLED_AFTER_MS;
    expect(made.settled(US as RegionId)).toEqual(NOTHING);
    expect(made.settled(EU)).toEqual(new Map([[US as Actor, toPosition(5n)]]));
  });
});
