import { describe, expect, it } from "vitest";
import { actor, positions } from "@/__tests__/support/overviews";
import {
  behindMs,
  expectedGaps,
  explainRefusal,
  knownLeader,
  refusalOf,
} from "@/lib/db/failover/assess";
import type { Look, RegionReport } from "@/lib/db/failover/report";
import { DEFAULT_FAILOVER_SETTINGS } from "@/lib/db/failover/settings";
import type { RegionId } from "@/lib/db/regions/region-id";
import { toPosition } from "@/lib/db/sessions/positions";
import { FAILOVER_REFUSALS } from "@/lib/failover-shape";

const A = "us-east-1" as RegionId;
const B = "eu-west-1" as RegionId;
const C = "ap-southeast-1" as RegionId;
const ALL = [A, B, C];

type Peer = RegionReport["peers"][number];

function peer(region: RegionId, more: Partial<Peer> = {}): Peer {
  return {
    region,
    actor: actor(region),
    lastEvent: toPosition(900n),
    latencyMs: 80,
    clockOffsetMs: 0,
    ageMs: 100,
    failing: false,
    ...more,
  };
}

/** Region A leads epoch 3, and B and C have all that it wrote. */
function report(region: RegionId, more: Partial<RegionReport> = {}): RegionReport {
  const leads = region === A;
  return {
    region,
    actor: actor(region),
    state: "ready",
    votes: true,
    regions: ALL,
    promisedEpoch: 3n,
    promisedTo: A,
    epoch: 3n,
    leader: A,
    leaderActor: actor(A),
    leading: leads ? 3n : null,
    heldMs: leads ? 1_000 : null,
    suspects: null,
    pauseVersion: 0n,
    paused: false,
    pauseReason: "",
    pausedBy: "",
    cursors: positions({ [A]: 900n }),
    staleness: { [A]: 300 },
    stalled: [],
    lastEvent: toPosition(900n),
    // A worker asks its own database too.
    peers: ALL.map((id) => peer(id, id === region ? { latencyMs: 1 } : {})),
    workerAgeMs: 400,
    open: null,
    ...more,
  };
}

function looks(changes: Partial<Record<string, Partial<RegionReport> | null>> = {}): Look[] {
  return ALL.map((id) => {
    const change = changes[id];
    return change === null
      ? { id, report: null, failure: "ECONNREFUSED 10.0.0.1" }
      : { id, report: report(id, change), failure: null };
  });
}

const refusal = (target: string, seen: Look[]) => refusalOf(target, seen, { maxBehindMs: 10_000 });

describe("whether an order is refused", () => {
  const behind = { cursors: positions({ [A]: 800n }), staleness: { [A]: 12_000 } };
  it.each([
    ["a region that is fit", B, looks(), null],
    ["the region that leads", A, looks(), "already-leader"],
    ["a leader without a lease", A, looks({ [A]: { leading: null } }), null],
    ["a region that is not configured", "mars-1", looks(), "unknown-region"],
    ["a region that does not answer", B, looks({ [B]: null }), "unhealthy"],
    ["a region that may not vote", B, looks({ [B]: { votes: false } }), "unhealthy"],
    ["a region without a worker", B, looks({ [B]: { workerAgeMs: 6_000 } }), "unhealthy"],
    ["a region that never had a worker", B, looks({ [B]: { workerAgeMs: null } }), "unhealthy"],
    ["while its own attempt runs", B, looks({ [B]: { open: "1" } }), "running"],
    ["while another region's attempt runs", B, looks({ [C]: { open: "1" } }), "running"],
    ["without a majority", B, looks({ [A]: null, [C]: null }), "no-majority"],
    [
      "with a majority that may not vote",
      B,
      looks({ [A]: { votes: false }, [C]: null }),
      "no-majority",
    ],
    ["a region that is far behind", B, looks({ [B]: behind }), "too-far-behind"],
    ["one that nobody knows how far", B, looks({ [B]: { ...behind, staleness: {} } }), null],
  ])("%s", (_, target, seen, expected) => {
    expect(refusal(target, seen)).toBe(expected);
  });

  it("has a sentence for each reason, which names no endpoint", () => {
    for (const reason of FAILOVER_REFUSALS) {
      for (const seen of [looks(), looks({ [B]: null }), looks({ [B]: { votes: false } })]) {
        const text = explainRefusal(reason, B, seen);
        expect(text).toMatch(/^[A-Z\w].*\.$/);
        expect(text).not.toMatch(/ECONN|10\.0/);
      }
    }
  });
});

describe("how far a region is behind", () => {
  const of = (seen: Look[], region = B) => {
    const found = seen.find(({ id }) => id === region)?.report;
    return behindMs(found!, knownLeader(seen)!);
  };

  it("is nothing for one that has all that anybody knows of, however old that is", () => {
    expect(of(looks({ [B]: { staleness: { [A]: 60_000 } } }))).toBe(0);
    expect(of(looks({ [A]: null, [B]: { staleness: { [A]: 3_600_000 } } }))).toBe(0);
  });

  it("is its staleness by the leader's clock while the leader answers", () => {
    const lacking = { cursors: positions({ [A]: 800n }), staleness: { [A]: 700 } };
    expect(of(looks({ [B]: lacking }))).toBe(700);
    const peers = [peer(A, { clockOffsetMs: 50 }), peer(C)];
    expect(of(looks({ [B]: { ...lacking, peers } }))).toBe(750);
  });

  it("leaves out the time since the leader was last seen, by whoever saw it last", () => {
    const lacking = { cursors: positions({ [A]: 800n }), staleness: { [A]: 100_000 } };
    const seen = looks({
      [A]: null,
      [B]: { ...lacking, peers: [peer(A, { ageMs: 99_000 }), peer(C)] },
      [C]: { peers: [peer(A, { ageMs: 98_500 }), peer(B)] },
    });
    expect(of(seen)).toBe(1_500);
  });

  it("is not known without a stream or without anybody who saw the leader", () => {
    expect(of(looks({ [B]: { cursors: positions({}), staleness: {} } }))).toBeNull();
    const blind = { cursors: positions({ [A]: 800n }), peers: [] };
    expect(of(looks({ [A]: null, [B]: blind, [C]: { peers: [] } }))).toBeNull();
  });
});

describe("who leads", () => {
  it("is whom the newest epoch names, also where it does not answer", () => {
    const news = { epoch: 4n, leader: B, leaderActor: actor(B) };
    expect(knownLeader(looks({ [C]: news, [B]: null }))).toMatchObject({
      region: B,
      epoch: 4n,
      report: null,
      seenMsAgo: 100,
    });
    expect(knownLeader(looks({ [A]: null, [B]: null, [C]: null }))).toBeNull();
  });
});

describe("the gap to expect", () => {
  const gaps = (seen: Look[], region = B) => {
    const found = seen.find(({ id }) => id === region)?.report;
    return expectedGaps(found!, knownLeader(seen)!, seen, DEFAULT_FAILOVER_SETTINGS);
  };

  it("is half a round trip to the leader and two commits for a switchover", () => {
    expect(gaps(looks()).switchoverMs).toBe(50);
  });

  it("has the lease and its margin in it for a failover, less the last lease", () => {
    // 3 × 80 + 1310 + 15 − 40 − (1000 − 125 − 80)
    expect(gaps(looks()).failoverMs).toBe(730);
    // Nobody writes any more.
    expect(gaps(looks({ [A]: { leading: null } })).failoverMs).toBe(1_565);
    expect(gaps(looks({ [A]: null }))).toEqual({ switchoverMs: null, failoverMs: 1_565 });
  });

  it("is not known where a round trip has not been measured", () => {
    expect(gaps(looks({ [B]: { peers: [] } }))).toEqual({ switchoverMs: null, failoverMs: null });
  });
});
