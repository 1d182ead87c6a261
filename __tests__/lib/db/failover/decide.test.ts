import { describe, expect, it } from "vitest";
import { decide, decideRequest } from "@/lib/db/failover/decide";
import {
  noteFailure,
  noteSample,
  unseen,
  type Facts,
  type RegionView,
} from "@/lib/db/failover/facts";
import type { ControlSample } from "@/lib/db/failover/region-control";
import {
  checkFailoverSettings,
  DEFAULT_FAILOVER_SETTINGS as SETTINGS,
  guardMs,
} from "@/lib/db/failover/settings";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { toPosition } from "@/lib/db/sessions/positions";
import { ConfigurationError } from "@/lib/errors";

const [A, B, C] = ["a", "b", "c"] as RegionId[] as [RegionId, RegionId, RegionId];
const NOW = 100_000;
const GUARD = guardMs(SETTINGS);

function sample(region: RegionId, more: Partial<ControlSample> = {}): ControlSample {
  return {
    region,
    actor: region as string as Actor,
    state: "ready",
    boot: "1",
    votes: true,
    regions: [A, B, C],
    promisedEpoch: 1n,
    promisedTo: A,
    grants: 5n,
    epoch: 1n,
    leader: A,
    leaderActor: "a" as Actor,
    leaseEpoch: region === A ? 1n : 0n,
    released: 0n,
    leading: region === A ? 1n : null,
    heldMs: region === A ? SETTINGS.leaseMs : null,
    suspects: null,
    pauseVersion: 0n,
    paused: false,
    cursors: new Map([["a" as Actor, toPosition(10n)]]),
    stalled: [],
    lastEvent: toPosition(10n),
    request: null,
    now: "",
    ...more,
  };
}

/** A region that answered just now, and whose grants have stood still for `stillMs`. */
function up(region: RegionId, more: Partial<ControlSample> = {}, stillMs = 0): RegionView {
  const first = noteSample(unseen(region, 0), sample(region, more), NOW - stillMs);
  return noteSample(first, sample(region, more), NOW);
}

function down(region: RegionId, failingMs: number, more: Partial<ControlSample> = {}): RegionView {
  return noteFailure(up(region, more), NOW - failingMs);
}

function facts(self: RegionId, views: RegionView[], more: Partial<Facts> = {}): Facts {
  return {
    self,
    nowMs: NOW,
    settings: SETTINGS,
    distanceMs: () => 0,
    views: new Map(views.map((view) => [view.region, view])),
    renewedAtMs: null,
    attemptedAtMs: null,
    epochSinceMs: -Infinity,
    jitter: 0,
    ...more,
  };
}

const LOST = GUARD + SETTINGS.suspectMs;

/** B and C have just promised the next epoch, each to itself. */
function inEachOthersWay(a: RegionView): RegionView[] {
  const promised = (region: RegionId): RegionView => ({
    ...up(region, { promisedEpoch: 2n, promisedTo: region }, LOST),
    promisedSinceMs: NOW - 1,
  });
  return [a, promised(B), promised(C)];
}
/** Longer than the attempt of another candidate is left alone. */
const ATTEMPT_OVER = 2_000 + SETTINGS.staggerMs;
const leaderGone = [down(A, LOST), up(B, {}, LOST), up(C, {}, LOST)];

describe("decide", () => {
  it.each<[string, Facts, object]>([
    ["the leader renews", facts(A, [up(A), up(B), up(C)]), { kind: "renew", epoch: 1n, leader: A }],
    [
      "not before it is due",
      facts(A, [up(A), up(B), up(C)], { renewedAtMs: NOW - SETTINGS.renewMs + 1 }),
      { kind: "hold", reason: "led" },
    ],
    ["others leave it alone", facts(B, [up(A), up(B), up(C)]), { kind: "hold", reason: "led" }],
    [
      "others renew for a leader whose worker does not",
      facts(B, [up(A, { heldMs: 100 }), up(B), up(C)]),
      { kind: "renew", leader: A },
    ],
    [
      "a lease that is over is renewed while nobody else was promised to",
      facts(A, [up(A, { heldMs: null, leading: null }), up(B), up(C)]),
      { kind: "renew", epoch: 1n },
    ],
    [
      "a leader that too few can grant a lease to is not renewed: what failed was promised counts",
      facts(A, [
        up(A, {}, ATTEMPT_OVER),
        down(B, LOST),
        up(C, { promisedEpoch: 2n, promisedTo: C }, ATTEMPT_OVER),
      ]),
      { kind: "promote", epoch: 3n },
    ],
    [
      "without a majority the leader holds",
      facts(A, [up(A), down(B, LOST), down(C, LOST)]),
      { kind: "hold", reason: "no-majority" },
    ],
    [
      "without a majority nobody is promoted",
      facts(B, [down(A, LOST), up(B, {}, LOST), down(C, LOST)]),
      { kind: "hold", reason: "no-majority" },
    ],
    [
      "a leader that has only just failed is watched",
      facts(B, [down(A, SETTINGS.suspectMs - 1), up(B, {}, LOST), up(C, {}, LOST)]),
      { kind: "hold", reason: "watching" },
    ],
    [
      "a lease may be left: grants have moved",
      facts(B, [down(A, LOST), up(B, {}, GUARD - 1), up(C, {}, GUARD - 1)]),
      { kind: "hold", reason: "guard" },
    ],
    [
      "the best candidate tries, with the counts that stood still",
      facts(B, leaderGone),
      {
        kind: "promote",
        epoch: 2n,
        expected: new Map([
          [B, { actor: "b", grants: 5n }],
          [C, { actor: "c", grants: 5n }],
        ]),
      },
    ],
    [
      "the second best waits",
      facts(C, [down(A, LOST), up(B, {}, GUARD), up(C, {}, GUARD)]),
      { kind: "hold", reason: "not-my-turn" },
    ],
    [
      "who has more of the leader's writes is better",
      facts(C, [
        down(A, LOST),
        up(B, {}, GUARD),
        up(C, { cursors: new Map([["a" as Actor, toPosition(11n)]]) }, GUARD),
      ]),
      { kind: "promote" },
    ],
    [
      "of equal ones the one that is nearest to a majority is better",
      facts(C, [down(A, LOST), up(B, {}, GUARD), up(C, {}, GUARD)], {
        distanceMs: (from, to) => (from === B || to === B ? 170 : 76),
      }),
      { kind: "promote" },
    ],
    [
      "paused, by the newest word",
      facts(B, [down(A, LOST), up(B, {}, LOST), up(C, { pauseVersion: 2n, paused: true }, LOST)]),
      { kind: "hold", reason: "paused" },
    ],
    [
      "resumed since",
      facts(B, [
        down(A, LOST),
        up(B, { pauseVersion: 3n, paused: false }, LOST),
        up(C, { pauseVersion: 2n, paused: true }, LOST),
      ]),
      { kind: "promote" },
    ],
    [
      "cooling down",
      facts(B, leaderGone, { epochSinceMs: NOW - SETTINGS.coolDownMs + 1 }),
      { kind: "hold", reason: "cool-down" },
    ],
    [
      "backing off after an attempt of its own",
      facts(B, leaderGone, { attemptedAtMs: NOW - 1 }),
      { kind: "hold", reason: "backing-off" },
    ],
    [
      "after another's attempt the second best waits for longer",
      facts(C, [
        down(A, LOST + 3_000),
        up(B, { promisedEpoch: 2n, promisedTo: B }, 2_100),
        up(C, {}, 2_100),
      ]),
      { kind: "hold", reason: "attempt-under-way" },
    ],
    [
      "another's attempt is left alone",
      facts(B, [down(A, LOST), up(B, {}, LOST), up(C, { promisedEpoch: 2n, promisedTo: C }, 100)]),
      { kind: "hold", reason: "attempt-under-way" },
    ],
    [
      "an attempt that nobody finished is overtaken",
      facts(B, [
        down(A, LOST),
        up(B, {}, LOST),
        up(C, { promisedEpoch: 2n, promisedTo: C }, 3_000),
      ]),
      { kind: "promote", epoch: 3n },
    ],
    [
      "of candidates that stood in each other's way the first tries again at once",
      facts(B, inEachOthersWay(down(A, LOST)), { attemptedAtMs: NOW - 1 }),
      { kind: "promote", epoch: 3n },
    ],
    [
      "and the other leaves it alone",
      facts(C, inEachOthersWay(down(A, LOST)), { attemptedAtMs: NOW - 1 }),
      { kind: "hold", reason: "attempt-under-way" },
    ],
    [
      "who may still get a majority is in nobody's way",
      facts(B, inEachOthersWay(up(A, { promisedEpoch: 1n, released: 1n, heldMs: null }, LOST))),
      { kind: "hold", reason: "attempt-under-way" },
    ],
    [
      "an own database that may not vote",
      facts(B, [down(A, LOST), up(B, { votes: false }, LOST), up(C, {}, LOST)]),
      { kind: "hold", reason: "own-database" },
    ],
    [
      "a leader that has not begun its epoch is not renewed: the former one may not have given up",
      facts(B, [
        up(A, { epoch: 2n, leader: C, promisedEpoch: 2n, promisedTo: C }),
        up(B, { epoch: 2n, leader: C, promisedEpoch: 2n, promisedTo: C }),
        up(C, { epoch: 2n, leader: C, promisedEpoch: 2n, promisedTo: C, leaseEpoch: 1n }),
      ]),
      { kind: "hold", reason: "guard" },
    ],
    [
      "a leader that has released its epoch is not renewed",
      facts(B, [up(A, { released: 1n, heldMs: null }, GUARD), up(B, {}, GUARD), up(C, {}, GUARD)]),
      { kind: "hold", reason: "not-my-turn" },
    ],
  ])("%s", (_, given, expected) => {
    expect(decide(given)).toMatchObject(expected);
  });

  it("counts the stillness of grants anew for another database of the region", () => {
    const before = up(B, {}, LOST);
    const after = noteSample(before, sample(B, { actor: "b#1" as Actor }), NOW);
    expect(after.grantsSinceMs).toBe(NOW);
  });
});

describe("decideRequest", () => {
  it.each<[string, Facts, number | null, object]>([
    ["already leads", facts(A, [up(A), up(B), up(C)]), 0, { reason: "already-leader" }],
    ["may not vote", facts(B, [up(A), up(B, { votes: false }), up(C)]), 0, { reason: "unhealthy" }],
    ["no majority", facts(B, [down(A, LOST), up(B), down(C, LOST)]), 0, { reason: "no-majority" }],
    ["far behind", facts(B, [up(A), up(B), up(C)]), 10_001, { reason: "too-far-behind" }],
    ["follows", facts(B, [up(A), up(B), up(C)]), 0, { kind: "promote", epoch: 2n, expected: null }],
  ])("%s", (_, given, behindMs, expected) => {
    expect(decideRequest(given, behindMs)).toMatchObject(expected);
  });
});

describe("settings", () => {
  it("take the defaults and refuse what is unsafe, naming the variable", () => {
    expect(checkFailoverSettings(SETTINGS)).toBe(SETTINGS);
    for (const [change, name] of [
      [{ renewMs: 500 }, "FAILOVER_RENEW_MS"],
      [{ marginMs: 50 }, "FAILOVER_MARGIN_MS"],
      [{ leaseMs: 100 }, "FAILOVER_LEASE_MS"],
      [{ probeTimeoutMs: 2_000 }, "FAILOVER_PROBE_TIMEOUT_MS"],
    ] as const) {
      const check = () => checkFailoverSettings({ ...SETTINGS, ...change });
      expect(check).toThrow(ConfigurationError);
      expect(check).toThrow(name);
    }
  });
});
