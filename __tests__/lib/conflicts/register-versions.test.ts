import { expect, it } from "vitest";
import {
  conflictId,
  joinedClock,
  parseVersions,
  sameJson,
} from "@/lib/db/conflicts/conflict-record";
import { heldVersions, unseenVersions } from "@/lib/db/conflicts/register-versions";
import type { StoredRow } from "@/lib/db/conflicts/writable-entities";

const stamp = (o: string, n: number) => ({ h: "0000000000000000007", o, n, u: "ada" });
const row = (merge: StoredRow["merge"]): StoredRow => ({
  id: "d",
  values: { title: "T", summary: "first" },
  deletedAt: null,
  clock: { us: 3, eu: 2 },
  hlc: 9n,
  origin: "us",
  position: 1n,
  merge,
  author: "bob",
});

it("finds siblings, a register's own write, the insert's, and else the row's", () => {
  const siblings = [
    { ...stamp("us", 2), v: "first" },
    { ...stamp("eu", 2), v: "second" },
  ];
  const versions = heldVersions(row({ $0: stamp("us", 1), summary: siblings }), "summary");
  expect(versions).toMatchObject([
    { value: "first", origin: "us", count: 2, won: true },
    { value: "second", origin: "eu", count: 2, won: false },
  ]);
  const dot = (merge: StoredRow["merge"], field: string) => {
    const [version] = heldVersions(row(merge), field);
    return `${version?.origin}:${version?.count}`;
  };
  expect(dot({ $0: stamp("us", 1), title: stamp("eu", 2) }, "title")).toBe("eu:2");
  expect(dot({ $0: stamp("us", 1) }, "title")).toBe("us:1");
  expect(dot({}, "title")).toBe("us:3");
  expect(dot(null, "*")).toBe("us:3");
});

it("knows what a clock has not seen: of a field its own write, of the row any", () => {
  const state = row({ $0: stamp("us", 1), title: stamp("eu", 2) });
  const seen = (field: string, clock: Record<string, number>) =>
    unseenVersions(state, field, clock).length === 0;
  expect(seen("title", { us: 1, eu: 2 })).toBe(true);
  expect(seen("title", { us: 9, eu: 1 })).toBe(false);
  expect(seen("summary", { us: 1 })).toBe(true);
  expect(seen("$deleted", { us: 3, eu: 1 })).toBe(false);
  expect(seen("$deleted", { us: 3, eu: 2 })).toBe(true);
  expect(seen("*", { us: 4, eu: 2 })).toBe(true);
});

it("leaves out what is no version, and joins the clocks of those that are", () => {
  const good = { value: "x", clock: { us: 1 }, hlc: "1", origin: "us", count: 1, won: true };
  const versions = parseVersions([good, { ...good, clock: { eu: 4 } }, 5, { value: "y" }, null]);
  expect(versions).toHaveLength(2);
  expect(versions[0]?.author).toBeNull();
  expect(joinedClock(versions)).toEqual({ us: 1, eu: 4 });
  expect(parseVersions("garbage")).toEqual([]);
});

it("names a choice by what was chosen from, in any order", () => {
  const id = (...dots: string[]) => conflictId("Document", "d", "title", dots);
  expect(id("us:1", "eu:2")).toBe(id("eu:2", "us:1"));
  expect(id("us:1", "eu:2")).not.toBe(id("us:1", "eu:3"));
  expect(sameJson({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 })).toBe(true);
  expect(sameJson({ a: 1 }, { a: "1" })).toBe(false);
});
