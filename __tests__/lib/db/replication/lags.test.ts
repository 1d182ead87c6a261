import { describe, expect, test } from "vitest";
import type { RegionId } from "@/lib/db/regions/region-id";
import { lagOf } from "@/lib/db/replication/lags";
import {
  actor,
  cursorView,
  overview,
  peerView,
  type OverviewChanges,
} from "@/__tests__/support/overviews";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const UNKNOWN = { kind: "unknown", source: US, target: EU };

const lag = (changes: OverviewChanges, ageMs = 0) => lagOf(overview(changes), US, EU, ageMs);
const peer = (changes = {}) => [peerView(US, changes)];
const cursor = (changes = {}) => [cursorView(US, changes)];

describe("ok", () => {
  test("while nothing is pending: the way of the newest batch", () => {
    expect(lag({ peers: peer(), cursors: cursor({ transitMs: 40.04, stalenessMs: 700 }) })).toEqual(
      {
        kind: "ok",
        source: US,
        target: EU,
        lagMs: 40,
        pendingWrites: 0,
      },
    );
  });

  test("while something is pending: since when not everything has been applied", () => {
    const cursors = cursor({ transitMs: 40, stalenessMs: 700 });
    expect(lag({ peers: peer({ pending: 3 }), cursors })).toMatchObject({
      kind: "ok",
      lagMs: 700,
      pendingWrites: 3,
    });
    expect(
      lag({ peers: peer({ pending: 3 }), cursors: cursor({ transitMs: 900, stalenessMs: 700 }) }),
    ).toMatchObject({ lagMs: 900 });
    expect(
      lag({ peers: peer({ pending: 3 }), cursors: cursor({ transitMs: 40, stalenessMs: null }) }),
    ).toMatchObject({ kind: "ok", lagMs: 40, pendingWrites: 3 });
  });

  test("clocks that differ are allowed for, and a lag is not negative", () => {
    const behind = { peers: peer({ clockOffsetMs: -300 }), cursors: cursor({ transitMs: 340 }) };
    expect(lag(behind)).toMatchObject({ lagMs: 40 });
    const ahead = { peers: peer({ clockOffsetMs: 300 }), cursors: cursor({ transitMs: -260 }) };
    expect(lag(ahead)).toMatchObject({ lagMs: 40 });
    const wrong = { peers: peer({ clockOffsetMs: -300 }), cursors: cursor({ transitMs: 200 }) };
    expect(lag(wrong)).toMatchObject({ lagMs: 0 });
  });

  test("clocks that differ are allowed for while something is pending, too", () => {
    const peers = peer({ pending: 1, clockOffsetMs: 400 });
    expect(lag({ peers, cursors: cursor({ transitMs: -360, stalenessMs: 100 }) })).toMatchObject({
      lagMs: 500,
    });
  });

  test("the stream is that of the present incarnation", () => {
    const peers = peer({ actor: actor("us-east-1#1") });
    const both = [cursorView(US, { transitMs: 1 }), cursorView("us-east-1#1", { transitMs: 55 })];
    expect(lag({ peers, cursors: both })).toMatchObject({ kind: "ok", lagMs: 55 });
    expect(lag({ peers, cursors: cursor() })).toEqual(UNKNOWN);
  });
});

describe("stalled", () => {
  const stalls = { [US]: { reason: "schema", detail: "Migrate all regions.", forMs: 9_000 } };

  test("says why, for how long, and how much waits", () => {
    expect(lag({ peers: peer({ pending: 12 }), cursors: cursor(), stalls })).toEqual({
      kind: "stalled",
      source: US,
      target: EU,
      reason: "schema",
      detail: "Migrate all regions.",
      forMs: 9_000,
      pendingWrites: 12,
    });
  });

  test("even before the first event was applied", () => {
    expect(lag({ peers: peer(), stalls })).toMatchObject({ kind: "stalled" });
  });

  test("of another stream, or of a former incarnation, is none of this one", () => {
    const other = { "ap-southeast-1": stalls[US] as (typeof stalls)[string] };
    expect(lag({ peers: peer(), cursors: cursor(), stalls: other })).toMatchObject({ kind: "ok" });
    const peers = peer({ actor: actor("us-east-1#1") });
    expect(lag({ peers, cursors: [cursorView("us-east-1#1")], stalls })).toMatchObject({
      kind: "ok",
    });
  });
});

describe("unknown", () => {
  test("without an overview, without the peer, without a cursor, before the first batch", () => {
    expect(lagOf(null, US, EU, 0)).toEqual(UNKNOWN);
    expect(lagOf(null, US, EU, Infinity)).toEqual(UNKNOWN);
    expect(lag({ peers: [peerView("ap-southeast-1")], cursors: cursor() })).toEqual(UNKNOWN);
    expect(lag({ peers: peer() })).toEqual(UNKNOWN);
    expect(lag({ peers: peer(), cursors: cursor({ transitMs: null }) })).toEqual(UNKNOWN);
  });

  test("when the observation and the overview together are too old", () => {
    const aged = (ageMs: number, overviewAgeMs: number) =>
      lag({ peers: peer({ ageMs }), cursors: cursor() }, overviewAgeMs).kind;
    expect(aged(5_000, 0)).toBe("ok");
    expect(aged(5_001, 0)).toBe("unknown");
    expect(aged(2_500, 2_500)).toBe("ok");
    expect(aged(2_500, 2_501)).toBe("unknown");
    expect(aged(0, Infinity)).toBe("unknown");
  });

  test("an old stall is not known to last", () => {
    const stalls = { [US]: { reason: "schema", detail: "", forMs: 1 } };
    expect(lag({ peers: peer({ ageMs: 60_000 }), cursors: cursor(), stalls })).toEqual(UNKNOWN);
  });
});
