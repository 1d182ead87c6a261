import { describe, expect, it } from "vitest";
import { areaOf, shareOut, totalOf } from "@/scripts/profile/areas";
import { fold, hottest } from "@/scripts/profile/fold";
import { table } from "@/scripts/profile/report";
import { asIs, childOf, profileOf } from "./made-profile";

const QUERY = "node_modules/pg/lib/client.js";
const APPLIER = "lib/db/replication/applier.ts";

const profile = profileOf([
  { name: "(idle)", self: 50 },
  { name: "(garbage collector)", self: 4 },
  {
    name: "tick",
    file: "node:internal/process/task_queues",
    self: 1,
    calls: [
      {
        name: "apply",
        file: APPLIER,
        self: 3,
        calls: [
          { name: "query", file: QUERY, self: 5, calls: [{ name: "write", self: 2 }] },
          { name: "done", file: APPLIER, self: 1 },
        ],
      },
      { name: "apply", file: APPLIER, self: 2, calls: [{ name: "query", file: QUERY, self: 1 }] },
    ],
  },
]);

describe("folding a profile", () => {
  it("sums what came the same way, and leaves out the time in which nothing was done", () => {
    const root = fold([profile], asIs);
    expect(root).toMatchObject({ self: 0, total: 19 });
    const apply = childOf(childOf(root, "tick"), "apply");
    expect(apply).toMatchObject({ self: 5, total: 14 });
    expect(childOf(apply, "query")).toMatchObject({ self: 6, total: 8 });
  });

  it("takes several profiles as one", () => {
    const root = fold([profile, profile], asIs);
    expect(root.total).toBe(38);
    expect(childOf(childOf(root, "tick"), "apply")).toMatchObject({ self: 10, total: 28 });
  });

  it("draws a function that calls itself once, with the samples of all its depths", () => {
    const walk = (depth: number): Parameters<typeof profileOf>[0][number] => ({
      name: "walk",
      file: "lib/walk.ts",
      self: 1,
      calls: depth > 1 ? [walk(depth - 1)] : [{ name: "leaf", self: 3 }],
    });
    const root = fold([profileOf([walk(4)])], asIs);
    const outer = childOf(root, "walk");
    expect(outer).toMatchObject({ self: 4, total: 7 });
    expect([...outer.children.values()].map(({ frame }) => frame.name)).toEqual(["leaf"]);
    expect(root.total).toBe(7);
  });

  it("draws a function once that calls itself by others of its file, and not by those of another", () => {
    const file = "lib/render.ts";
    const again = { name: "node", file, self: 2, calls: [{ name: "leaf", file, self: 3 }] };
    const by = (other: string) =>
      profileOf([
        { name: "node", file, calls: [{ name: "element", file: other, self: 1, calls: [again] }] },
      ]);
    const within = childOf(fold([by(file)], asIs), "node");
    expect(within).toMatchObject({ self: 2, total: 6 });
    expect(childOf(within, "leaf").total).toBe(3);
    expect(childOf(within, "element")).toMatchObject({ self: 1, total: 1 });
    const across = childOf(fold([by("lib/other.ts")], asIs), "node");
    expect(childOf(childOf(across, "element"), "node")).toMatchObject({ self: 2, total: 5 });
  });

  it("says which functions ran most by themselves, whoever called them", () => {
    const found = hottest(fold([profile], asIs)).map(({ frame, self }) => [frame.name, self]);
    expect(found.slice(0, 3)).toEqual([
      ["query", 6],
      ["apply", 5],
      ["(garbage collector)", 4],
    ]);
    const write = hottest(fold([profile], asIs)).find(({ frame }) => frame.name === "write");
    expect(write).toMatchObject({ frame: { file: QUERY }, self: 2 });
  });
});

describe("sharing samples out", () => {
  it("gives each sample to one area by itself, and to every area that waited for it", () => {
    const shares = shareOut(fold([profile], asIs));
    const told = Object.fromEntries(shares.map(({ name, self, total }) => [name, [self, total]]));
    expect(told).toEqual({
      "lib/db/replication": [6, 14],
      // With the write, which is V8's own and has no file.
      "pg, the driver": [8, 8],
      "garbage collection": [4, 4],
      // The tick is below everything else.
      "Node.js, turns and their context": [1, 15],
    });
  });

  it("counts each sample once for several areas", () => {
    const root = fold([profile], asIs);
    expect(totalOf(root, ({ kind }) => kind === "project" || kind === "driver")).toBe(14);
    expect(totalOf(root, ({ kind }) => kind === "driver")).toBe(8);
  });

  it.each([
    ["lib/db/sessions/token.ts", "lib/db/sessions"],
    ["lib/db/read-your-writes.ts", "lib/db"],
    ["lib/log.ts", "lib"],
    ["app/documents/[id]/page.tsx", "app"],
    ["middleware.ts", "middleware.ts"],
    ["lib/generated/prisma/client.ts", "Prisma"],
    ["wasm:", "Prisma"],
    ["node_modules/pg-protocol/dist/parser.js", "pg, the driver"],
    ["node_modules/next/dist/compiled/react-server-dom-webpack/cjs/a.js", "React"],
    ["node_modules/next/dist/server/base-server.js", "Next.js"],
    ["node_modules/clsx/index.js", "other packages"],
    ["node:net", "Node.js, sockets and HTTP"],
    ["node:internal/webstreams/readablestream", "Node.js, streams"],
    ["node:internal/crypto/webcrypto", "Node.js, crypto"],
    ["node:fs", "Node.js, else"],
    ["", "Node.js, else"],
  ])("knows %s as %s", (file, name) => {
    expect(areaOf({ name: "f", file, line: 1 }).name).toBe(name);
  });
});

describe("a table", () => {
  it("is as Prettier would leave it", () => {
    expect(table(["A", "Long name"], [["what is longer", "1"]])).toBe(
      [
        "| A              | Long name |",
        "| -------------- | --------- |",
        "| what is longer | 1         |",
      ].join("\n"),
    );
  });
});
