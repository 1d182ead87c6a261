import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  appliedEverywhere,
  readOverview,
  stalenessBoundMs,
  type Overview,
} from "@/lib/db/regions/overview";
import { positionsToJson, toPosition } from "@/lib/db/sessions/positions";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { actor, cursorView, overview, peerView, positions } from "@/__tests__/support/overviews";

const PEERS = ["us-east-1", "eu-west-1", "ap-southeast-1"].map((region) => peerView(region));

const floor = (of: Overview) => positionsToJson(appliedEverywhere(of));

describe("appliedEverywhere", () => {
  test("is the lowest cursor of all regions but the origin", () => {
    const view = overview({
      peers: PEERS,
      cursors: [
        cursorView("us-east-1", { position: toPosition(50n) }),
        cursorView("ap-southeast-1", { position: toPosition(7n) }),
      ],
      peerCursors: {
        "us-east-1": { "eu-west-1": 30n, "ap-southeast-1": 9n },
        "ap-southeast-1": { "eu-west-1": 20n, "us-east-1": 60n },
      },
    });
    expect(floor(view)).toEqual({ "us-east-1": "50", "eu-west-1": "20", "ap-southeast-1": "7" });
  });

  test("a region that was not heard of has applied nothing", () => {
    const view = overview({
      peers: PEERS,
      cursors: [cursorView("us-east-1"), cursorView("ap-southeast-1")],
      peerCursors: { "us-east-1": { "eu-west-1": 30n, "ap-southeast-1": 9n } },
    });
    expect(floor(view)).toEqual({ "ap-southeast-1": "9" });
  });

  test("a region that joins takes everything out of the floor until it has caught up", () => {
    const view = (registered: string[]) =>
      overview({
        registered,
        peers: PEERS,
        cursors: [cursorView("us-east-1")],
        peerCursors: { "us-east-1": { "eu-west-1": 30n } },
      });
    expect(floor(view(["us-east-1", "eu-west-1"]))).toEqual({
      "us-east-1": "900",
      "eu-west-1": "30",
    });
    expect(floor(view(["us-east-1", "eu-west-1", "sa-east-1"]))).toEqual({});
  });

  test("a former incarnation has a floor of its own", () => {
    const view = overview({
      registered: ["us-east-1", "eu-west-1"],
      cursors: [
        cursorView("us-east-1", { position: toPosition(500n) }),
        cursorView("us-east-1#1", { position: toPosition(3n) }),
      ],
      peers: [peerView("us-east-1", { actor: actor("us-east-1#1") })],
      peerCursors: { "us-east-1": { "us-east-1": 300n, "eu-west-1": 8n } },
    });
    // us-east-1 was rebuilt from an older copy: it lacks what it had written past 300.
    expect(floor(view)).toEqual({ "us-east-1": "300", "us-east-1#1": "3", "eu-west-1": "8" });
  });

  test("is at or below the cursor of each region, for every actor", () => {
    const regions = ["us-east-1", "eu-west-1", "ap-southeast-1"];
    const cursors = fc.dictionary(fc.constantFrom(...regions), fc.bigInt(0n, 2n ** 63n - 1n));
    fc.assert(
      fc.property(cursors, cursors, cursors, (us, eu, ap) => {
        const view = overview({
          peers: PEERS,
          cursors: Object.entries(eu).map(([name, value]) =>
            cursorView(name, { position: toPosition(value) }),
          ),
          peerCursors: { "us-east-1": us, "ap-southeast-1": ap },
        });
        const byRegion: Record<string, Record<string, bigint>> = {
          "us-east-1": us,
          "eu-west-1": eu,
          "ap-southeast-1": ap,
        };
        for (const [name, position] of appliedEverywhere(view)) {
          const others = regions.filter((region) => region !== name);
          const applied = others.map((region) => byRegion[region]?.[name] ?? -1n);
          expect(applied.every((value) => value >= position)).toBe(true);
          expect(applied.some((value) => value === position)).toBe(true);
        }
      }),
    );
  });
});

describe("stalenessBoundMs", () => {
  const heard = [peerView("us-east-1"), peerView("ap-southeast-1")];

  test("is that of the stream that is furthest behind", () => {
    const cursors = [
      cursorView("us-east-1", { stalenessMs: 40 }),
      cursorView("ap-southeast-1", { stalenessMs: 900 }),
    ];
    expect(stalenessBoundMs(overview({ peers: heard, cursors }))).toBe(900);
  });

  test("is unknown as soon as one stream is", () => {
    const us = cursorView("us-east-1");
    const silent = cursorView("ap-southeast-1", { stalenessMs: null });
    expect(stalenessBoundMs(overview({ peers: heard, cursors: [us] }))).toBe(Infinity);
    expect(stalenessBoundMs(overview({ peers: heard, cursors: [us, silent] }))).toBe(Infinity);
    expect(stalenessBoundMs(overview())).toBe(Infinity);
  });

  test("is zero for a region alone", () => {
    expect(stalenessBoundMs(overview({ registered: ["eu-west-1"] }))).toBe(0);
  });

  test("counts the stream of the present incarnation, not that of a former one", () => {
    const peers = [peerView("us-east-1", { actor: actor("us-east-1#1") })];
    const registered = ["us-east-1", "eu-west-1"];
    const former = cursorView("us-east-1", { stalenessMs: 5 });
    const present = cursorView("us-east-1#1", { stalenessMs: 70 });
    expect(stalenessBoundMs(overview({ peers, registered, cursors: [former] }))).toBe(Infinity);
    expect(stalenessBoundMs(overview({ peers, registered, cursors: [former, present] }))).toBe(70);
  });

  test("a peer whose clock runs ahead of ours does not make us look fresher", () => {
    const view = overview({
      registered: ["us-east-1", "eu-west-1"],
      peers: [peerView("us-east-1", { clockOffsetMs: 400 })],
      // By the peer's clock 500 ms went by since; by ours only 100.
      cursors: [cursorView("us-east-1", { stalenessMs: 100 })],
    });
    expect(stalenessBoundMs(view)).toBe(500);
  });
});

describe("readOverview", () => {
  const answering = (rows: { overview: string }[]) =>
    ({ $queryRaw: async () => rows }) as unknown as PrismaClient;
  const raw = {
    region: "eu-west-1",
    actor: "eu-west-1#2",
    leader: "us-east-1",
    epoch: 3,
    schemaVersion: 4,
    registered: null,
    peers: null,
    cursors: null,
    peerCursors: null,
    stalls: null,
  };

  test("a new database has none of anything", async () => {
    const view = await readOverview(answering([{ overview: JSON.stringify(raw) }]));
    expect(view).toMatchObject({
      region: "eu-west-1",
      actor: "eu-west-1#2",
      epoch: 3,
      registered: [],
    });
    const sizes = [view.peers, view.cursors, view.peerCursors, view.stalls].map((map) => map.size);
    expect(sizes).toEqual([0, 0, 0, 0]);
  });

  test("keeps positions past 2^53 to the digit", async () => {
    const big = (2n ** 62n + 1n).toString();
    const view = await readOverview(
      answering([
        {
          overview: JSON.stringify({
            ...raw,
            peers: [{ ...peerView("us-east-1"), head: big, lastEvent: big }],
            cursors: [
              { actor: "us-east-1", position: big, transitMs: 1, stalenessMs: null, events: big },
            ],
            peerCursors: [
              { region: "us-east-1", actor: "eu-west-1", position: "5" },
              { region: "us-east-1", actor: "ap-southeast-1", position: big },
            ],
          }),
        },
      ]),
    );
    expect(view.peers.get("us-east-1")?.head.toString()).toBe(big);
    expect(view.cursors.get(actor("us-east-1"))).toMatchObject({
      position: 2n ** 62n + 1n,
      events: 2n ** 62n + 1n,
    });
    expect(view.peerCursors.get("us-east-1")).toEqual(
      positions({ "eu-west-1": 5n, "ap-southeast-1": 2n ** 62n + 1n }),
    );
  });

  test("a database without a region says so", async () => {
    await expect(readOverview(answering([]))).rejects.toThrow("has not been told its region");
  });
});
