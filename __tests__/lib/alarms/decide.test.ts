import { describe, expect, it } from "vitest";
import { overview, peerView, type OverviewChanges } from "@/__tests__/support/overviews";
import { ALARM_KINDS, type Alarm } from "@/lib/alarms/alarm";
import { decideAlarms } from "@/lib/alarms/decide";
import {
  ALARM_THRESHOLDS,
  SERVERLESS_THRESHOLDS,
  type AlarmFacts,
  type DatabaseFacts,
  type HorizonHolder,
  type RegionFacts,
} from "@/lib/alarms/facts";

const NOW = Date.UTC(2026, 10, 26, 12);
const VIRGINIA = "us-east-1";
const DUBLIN = "eu-west-1";
const SINGAPORE = "ap-southeast-1";
const CITIES: Record<string, string> = {
  [VIRGINIA]: "Virginia",
  [DUBLIN]: "Dublin",
  [SINGAPORE]: "Singapore",
};
const ALIVE = { bus: "redis", ageMs: 300 } as const;

function region(
  regionId: string,
  changes: OverviewChanges = {},
  database: Partial<DatabaseFacts> = {},
): RegionFacts {
  return {
    kind: "read",
    regionId,
    city: CITIES[regionId]!,
    overview: overview({
      region: regionId,
      leading: regionId === VIRGINIA ? 1 : null,
      worker: ALIVE,
      peers: Object.keys(CITIES)
        .filter((id) => id !== regionId)
        .map((id) => peerView(id)),
      ...changes,
    }),
    database: { state: "ready", readOnly: false, holder: null, ...database },
  };
}

const unread = (regionId: string, reason: "unreachable" | "slow" | "failed"): RegionFacts => ({
  kind: "unread",
  regionId,
  city: CITIES[regionId]!,
  reason,
});

/** All three regions, some of them otherwise. */
function decide(...changed: RegionFacts[]): Alarm[] {
  return decideWith({}, ...changed);
}

function decideWith(facts: Partial<AlarmFacts>, ...changed: RegionFacts[]): Alarm[] {
  const regions = Object.keys(CITIES).map(
    (id) => changed.find(({ regionId }) => regionId === id) ?? region(id),
  );
  return decideAlarms({
    vantage: VIRGINIA,
    nowMs: NOW,
    regions,
    serverless: false,
    thresholds: ALARM_THRESHOLDS,
    ...facts,
  });
}

function holder(changes: Partial<HorizonHolder> = {}): HorizonHolder {
  return {
    pid: 4711,
    prepared: null,
    applicationName: "psql",
    database: "meridian",
    state: "idle in transaction",
    ageMs: 20_000,
    query: `UPDATE "Document"\n  SET title = '…'`,
    ...changes,
  };
}

const brief = (alarms: Alarm[]) =>
  alarms.map(({ kind, severity, regionId }) => `${severity} ${kind} ${regionId}`);

/** What each of two clocks sees of the other, `b` being ahead. */
function clocks(...pairs: [string, string, number][]): RegionFacts[] {
  return Object.keys(CITIES).map((id) =>
    region(id, {
      peers: pairs.flatMap(([a, b, ms]) => {
        if (a === id) return [peerView(b, { clockOffsetMs: ms })];
        return b === id ? [peerView(a, { clockOffsetMs: -ms })] : [];
      }),
    }),
  );
}

describe("alarms", () => {
  it("are none while all is well", () => {
    expect(decide()).toEqual([]);
  });

  const TABLE: [string, RegionFacts[], string[]][] = [
    [
      "a region that does not answer",
      [unread(DUBLIN, "unreachable")],
      ["critical region-unreachable eu-west-1"],
    ],
    ["a region that is slow", [unread(DUBLIN, "slow")], ["warning region-unreachable eu-west-1"]],
    [
      "a region that refuses",
      [unread(DUBLIN, "failed")],
      ["critical region-unreachable eu-west-1"],
    ],
    [
      "two regions that do not answer, the leader among the others",
      [unread(DUBLIN, "unreachable"), unread(SINGAPORE, "unreachable")],
      ["critical region-unreachable eu-west-1", "critical region-unreachable ap-southeast-1"],
    ],
    [
      "no majority",
      [
        region(VIRGINIA, { leading: null }),
        unread(DUBLIN, "unreachable"),
        unread(SINGAPORE, "slow"),
      ],
      [
        "critical region-unreachable eu-west-1",
        "critical no-majority null",
        "warning region-unreachable ap-southeast-1",
      ],
    ],
    [
      "a majority without a lease",
      [region(VIRGINIA, { leading: null })],
      ["critical no-leader null"],
    ],
    [
      "a leader that is gone",
      [unread(VIRGINIA, "unreachable")],
      ["critical region-unreachable us-east-1", "critical no-leader null"],
    ],
    [
      "a database that takes no writes",
      [region(DUBLIN, {}, { readOnly: true })],
      ["critical read-only eu-west-1"],
    ],
    [
      "a database from an old copy",
      [region(DUBLIN, {}, { state: "restored" })],
      ["critical not-ready eu-west-1"],
    ],
    [
      "a database that is being filled",
      [region(DUBLIN, {}, { state: "copying" })],
      ["warning not-ready eu-west-1"],
    ],
    [
      "a worker that has gone silent",
      [region(DUBLIN, { worker: { bus: "redis", ageMs: 10_001 } })],
      ["critical worker-silent eu-west-1"],
    ],
    ["a worker that is late", [region(DUBLIN, { worker: { bus: "redis", ageMs: 9_999 } })], []],
    [
      "a stream that stands still",
      [region(DUBLIN, { stalls: { [`${SINGAPORE}#2`]: stall("schema") } })],
      ["critical stream-stalled eu-west-1"],
    ],
    [
      "a transaction as old as the threshold",
      [region(DUBLIN, {}, { holder: holder({ ageMs: 15_000 }) })],
      ["warning long-transaction eu-west-1"],
    ],
    [
      "a transaction that is younger",
      [region(DUBLIN, {}, { holder: holder({ ageMs: 14_999 }) })],
      [],
    ],
    [
      "a transaction for a minute",
      [region(DUBLIN, {}, { holder: holder({ ageMs: 60_000 }) })],
      ["critical long-transaction eu-west-1"],
    ],
    [
      "a transaction whose age nobody tells",
      [region(DUBLIN, {}, { holder: holder({ ageMs: null }) })],
      [],
    ],
    [
      "Redis gone for all",
      Object.keys(CITIES).map((id) => region(id, { worker: { bus: "degraded", ageMs: 1 } })),
      ["warning redis-gone null"],
    ],
    [
      "Redis gone for one",
      [region(DUBLIN, { worker: { bus: "degraded", ageMs: 1 } })],
      ["warning redis-gone eu-west-1"],
    ],
    ["clocks that differ a little", clocks([VIRGINIA, DUBLIN, 249]), []],
    ["two clocks that differ", clocks([VIRGINIA, DUBLIN, -250]), ["warning clock-offset null"]],
    [
      "two clocks that differ more",
      clocks([VIRGINIA, DUBLIN, 500]),
      ["critical clock-offset null"],
    ],
    [
      "one clock that is off",
      clocks([VIRGINIA, DUBLIN, 900], [SINGAPORE, DUBLIN, 880], [VIRGINIA, SINGAPORE, 20]),
      ["critical clock-offset eu-west-1"],
    ],
  ];

  it.each(TABLE)("%s", (_, facts, expected) => {
    expect(brief(decide(...facts))).toEqual(expected);
  });

  it("covers every kind", () => {
    const told = new Set(TABLE.flatMap(([, facts]) => decide(...facts).map(({ kind }) => kind)));
    expect([...told].sort()).toEqual([...ALARM_KINDS].sort());
  });

  it("each say why and what to do, and have an id of their own", () => {
    for (const [, facts] of TABLE) {
      const alarms = decide(...facts);
      for (const { title, cause, whatToDo } of alarms) {
        for (const text of [title, cause, whatToDo]) {
          expect(text).toMatch(/^[A-Z].*[a-z0-9)]\.?.*\.$/s);
          expect(text).not.toMatch(/undefined|null|NaN|Infinity/);
        }
      }
      expect(new Set(alarms.map(({ id }) => id)).size).toBe(alarms.length);
    }
  });

  it("show the transaction: pid, age, application and query", () => {
    const [alarm] = decide(region(DUBLIN, {}, { holder: holder() }));
    expect(alarm?.title).toBe("A transaction of 20 s holds back all that Dublin tells.");
    expect(alarm?.since).toBe(new Date(NOW - 20_000).toISOString());
    expect(Object.fromEntries(alarm!.details!.map(({ label, value }) => [label, value]))).toEqual({
      Process: "4711",
      Age: "20 s",
      Application: "psql",
      Database: "meridian",
      State: "idle in transaction",
      Query: `UPDATE "Document" SET title = '…'`,
    });
    expect(alarm?.whatToDo).toContain("pg_terminate_backend(4711)");
    const [prepared] = decide(
      region(DUBLIN, {}, { holder: holder({ pid: null, prepared: "tx9", query: null }) }),
    );
    expect(prepared?.whatToDo).toContain("ROLLBACK PREPARED 'tx9'");
  });

  it("name the stream that stands still, its reason and since when", () => {
    const [alarm] = decide(region(DUBLIN, { stalls: { [`${SINGAPORE}#2`]: stall("schema") } }));
    expect(alarm).toMatchObject({
      title: "Writes of Singapore do not arrive in Dublin.",
      cause: "Because of it.",
      since: new Date(NOW - 7_000).toISOString(),
      whatToDo: expect.stringContaining("npm run db:migrate"),
    });
  });

  it("know since when the vantage has not reached a region", () => {
    const peers = [peerView(DUBLIN, { failedForMs: 4_000 }), peerView(SINGAPORE)];
    const [alarm] = decide(region(VIRGINIA, { peers }), unread(DUBLIN, "unreachable"));
    expect(alarm?.since).toBe(new Date(NOW - 4_000).toISOString());
  });

  it("miss neither worker nor lease where a request brings them along", () => {
    const facts = { serverless: true, thresholds: SERVERLESS_THRESHOLDS };
    const worker = { bus: "redis", ageMs: 3_600_000 } as const;
    const idle = [region(VIRGINIA, { leading: null, worker }), region(DUBLIN, { worker })];
    expect(decideWith(facts, ...idle)).toEqual([]);
    const paused = region(VIRGINIA, { leading: null, paused: true });
    expect(decideWith(facts, paused).map(({ kind }) => kind)).toEqual(["no-leader"]);
    const days = { ...worker, ageMs: 48 * 3_600_000 };
    const [silent] = decideWith(facts, region(DUBLIN, { worker: days }));
    expect(silent).toMatchObject({ kind: "worker-silent", regionId: DUBLIN });
  });

  it("say which way a clock is off", () => {
    const [alarm] = decide(...clocks([VIRGINIA, DUBLIN, -900], [SINGAPORE, DUBLIN, -880]));
    expect(alarm?.title).toBe("The clock of Dublin is about 900 ms behind the others.");
    expect(alarm?.details).toEqual([
      { label: "To Virginia", value: "−900 ms" },
      { label: "To Singapore", value: "−880 ms" },
    ]);
  });
});

function stall(reason: string) {
  return { reason, detail: "Because of it.", forMs: 7_000 };
}
