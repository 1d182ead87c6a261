import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkBudgets, measureBundles } from "@/scripts/bundle-budget.mjs";

let dist: string;
const sizes: Record<string, number> = {};

/** A file that compression can do nothing about. */
function chunk(name: string, bytes: number): string {
  const content = randomBytes(bytes);
  writeFileSync(path.join(dist, name), content);
  sizes[name] = gzipSync(content).length;
  return name;
}

const sum = (...names: string[]) => names.reduce((total, name) => total + sizes[name]!, 0);

beforeEach(() => {
  dist = mkdtempSync(path.join(tmpdir(), "bundles-"));
  mkdirSync(path.join(dist, "static"));
  const json = (name: string, value: unknown) =>
    writeFileSync(path.join(dist, name), JSON.stringify(value));
  const main = chunk("main.js", 4_000);
  const shared = chunk("shared.js", 3_000);
  const layout = chunk("layout.js", 2_000);
  const nested = chunk("nested.js", 1_000);
  const list = chunk("list.js", 900);
  const document = chunk("document.js", 800);
  json("build-manifest.json", { rootMainFiles: [main], polyfillFiles: ["never.js"] });
  json("app-build-manifest.json", {
    pages: {
      "/layout": [main, shared, layout, "static/style.css"],
      "/page": [main, shared],
      "/documents/layout": [nested],
      "/documents/(list)/page": [shared, list],
      "/documents/(list)/loading": [],
      "/documents/[id]/page": [shared, document],
      "/api/health/route": ["never.js"],
    },
  });
});
afterEach(() => rmSync(dist, { recursive: true }));

describe("the first load of a page", () => {
  it("is each script once: its own, and those of the layouts above it", () => {
    expect(measureBundles(dist)).toEqual([
      { route: "/", bytes: sum("main.js", "shared.js", "layout.js") },
      {
        route: "/documents",
        bytes: sum("main.js", "shared.js", "layout.js", "nested.js", "list.js"),
      },
      {
        route: "/documents/[id]",
        bytes: sum("main.js", "shared.js", "layout.js", "nested.js", "document.js"),
      },
    ]);
  });

  it("is printed, and is fine up to its budget", () => {
    const { lines, complaints } = checkBudgets([{ route: "/", bytes: 10_000 }], { "/": 10 });
    expect(lines.at(-1)).toBe("    10.0 kB  /  (at most 10 kB)");
    expect(complaints).toEqual([]);
  });

  it("is complained of above it, and where its page is gone", () => {
    const { complaints } = checkBudgets([{ route: "/", bytes: 10_100 }], { "/": 10, "/admin": 5 });
    expect(complaints).toEqual([
      "/ needs 10.1 kB of JavaScript; it may be 10 kB.",
      "There is a budget for /admin, and no such page.",
    ]);
  });
});
