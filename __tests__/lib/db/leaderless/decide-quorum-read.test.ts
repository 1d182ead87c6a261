import { describe, expect, test } from "vitest";
import { toHlc } from "@/lib/db/conflicts/hlc";
import { policiesUnder } from "@/lib/db/conflicts/policies";
import type { Row } from "@/lib/db/conflicts/strategies/row";
import { joinRows } from "@/lib/db/conflicts/strategies/join-rows";
import type { VectorClock } from "@/lib/db/conflicts/vector-clock";
import { decideQuorumRead } from "@/lib/db/leaderless/decide-quorum-read";
import { parsePolicy } from "@/lib/db/conflicts/policy";

const POLICY = parsePolicy({ topology: "leaderless" });
const COLLECTED = parsePolicy({ topology: "leaderless", collect: true });

function version(clock: VectorClock, hlc: number, origin: string, deletedAt: string | null = null) {
  const row: Row = {
    id: "r",
    values: { title: `${origin} at ${hlc}` },
    deletedAt,
    clock,
    hlc: toHlc(BigInt(hlc)),
    origin,
    merge: {},
  };
  return row;
}

const OLD = version({ us: 1 }, 10, "us");
const NEW = version({ us: 2 }, 20, "us");
const OTHER = version({ us: 1, eu: 1 }, 30, "eu");
const ALL = version({ us: 2, eu: 1, ap: 1 }, 40, "ap");
const GONE = version({ us: 3 }, 50, "us", "2026-01-01T00:00:00.000Z");
const NONE = null;

type Versions = Readonly<Record<string, Row | null>>;
const decide = (versions: Versions, policy = POLICY) =>
  decideQuorumRead(
    policy,
    Object.entries(versions).map(([region, row]) => ({ region, row })),
  );
const sources = (versions: Versions, policy = POLICY) =>
  Object.fromEntries(
    decide(versions, policy).behind.map(({ region, sources }) => [
      region,
      sources.map((source) => source.region),
    ]),
  );

describe("a read of several regions", () => {
  test.each<[string, Versions, string, Row | null, string[], Record<string, string[]>]>([
    ["nothing anywhere", { us: NONE, eu: NONE }, "absent", null, ["us", "eu"], {}],
    ["one answer of one", { us: NEW }, "equal", NEW, ["us"], {}],
    ["the same everywhere", { us: NEW, eu: NEW, ap: NEW }, "equal", NEW, ["us", "eu", "ap"], {}],
    ["one is older", { us: OLD, eu: NEW }, "newest", NEW, ["eu"], { us: ["eu"] }],
    ["one is older, seen last", { us: NEW, eu: OLD }, "newest", NEW, ["us"], { eu: ["us"] }],
    ["one has nothing", { us: NONE, eu: NEW }, "newest", NEW, ["eu"], { us: ["eu"] }],
    [
      "the nearest of two is the source",
      { us: NEW, eu: NEW, ap: OLD },
      "newest",
      NEW,
      ["us", "eu"],
      { ap: ["us"] },
    ],
    [
      "one includes two that are concurrent",
      { us: NEW, eu: OTHER, ap: ALL },
      "newest",
      ALL,
      ["ap"],
      { us: ["ap"], eu: ["ap"] },
    ],
    ["a deletion is a version", { us: GONE, eu: NEW }, "newest", GONE, ["us"], { eu: ["us"] }],
  ])("%s", (_, versions, kind, row, holders, behind) => {
    const verdict = decide(versions);
    expect(verdict).toMatchObject({ kind, holders });
    expect(verdict.row).toBe(row);
    expect(sources(versions)).toEqual(behind);
  });

  test("joins versions of which none includes the other, and sends each what it lacks", () => {
    const versions = { us: NEW, eu: OTHER, ap: OLD, sa: NONE };
    const verdict = decide(versions);
    expect(verdict).toMatchObject({ kind: "joined", holders: [] });
    expect(verdict.row).toEqual(joinRows(POLICY, NEW, OTHER));
    expect(verdict.row?.clock).toEqual({ us: 2, eu: 1 });
    expect(sources(versions)).toEqual({
      us: ["eu"],
      eu: ["us"],
      ap: ["us", "eu"],
      sa: ["us", "eu"],
    });
    // Whoever is asked first.
    expect(decide({ sa: NONE, ap: OLD, eu: OTHER, us: NEW }).row).toEqual(verdict.row);
  });

  test("joins by the entity's own policy", () => {
    const policy = policiesUnder({ topology: "leaderless", durability: "region" }).Collaborator;
    const at = (role: string, clock: VectorClock, hlc: number, origin: string): Row => ({
      ...version(clock, hlc, origin),
      values: { role, createdAt: "1", updatedAt: String(hlc), updatedBy: origin },
    });
    const [a, b] = [at("viewer", { us: 1 }, 10, "us"), at("editor", { eu: 1 }, 20, "eu")];
    expect(decide({ us: a, eu: b }, policy).row).toEqual(joinRows(policy, a, b));
  });

  test("does not bring back a tombstone that was collected, but does bring one", () => {
    expect(sources({ us: GONE, eu: NONE, ap: NEW }, COLLECTED)).toEqual({ ap: ["us"] });
    expect(decide({ us: GONE, eu: NONE }, COLLECTED)).toMatchObject({ kind: "equal", row: GONE });
    expect(sources({ us: GONE, eu: NONE })).toEqual({ eu: ["us"] });
    expect(sources({ us: NEW, eu: NONE }, COLLECTED)).toEqual({ eu: ["us"] });
  });
});
