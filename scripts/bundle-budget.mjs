// How much JavaScript a browser fetches before a page of each route is complete, compressed, and how much
// it may be. Code that a page asks for later, such as the editor, is not part of it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

/** Route to kilobytes (1000 bytes) of JavaScript, gzip. */
export const BUDGETS_KB = { "/": 130, "/documents": 150, "/admin": 200 };

const KB = 1000;

/** The route of an entry of app-build-manifest.json: "/documents/(list)/page" is "/documents". */
function routeOf(entry) {
  return entry.replace(/\/page$/, "").replaceAll(/\/\([^/]+\)/g, "") || "/";
}

/** Entries that are on the page besides its own: layouts and boundaries of the folders above it. */
function entriesAround(entry, entries) {
  const folder = path.posix.dirname(entry);
  return entries.filter((other) => {
    const above = path.posix.dirname(other);
    const isAbove = above === "/" || folder === above || folder.startsWith(`${above}/`);
    return (
      isAbove && /^(layout|template|loading|error|not-found)$/.test(path.posix.basename(other))
    );
  });
}

/**
 * @param distDir the folder of a production build
 * @returns for each page its route and its first load in bytes, gzip
 */
export function measureBundles(distDir) {
  const read = (name) => JSON.parse(readFileSync(path.join(distDir, name), "utf8"));
  const { pages } = read("app-build-manifest.json");
  const { rootMainFiles = [] } = read("build-manifest.json");
  const sizes = new Map();
  const sizeOf = (file) => {
    if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(path.join(distDir, file))).length);
    return sizes.get(file);
  };
  const entries = Object.keys(pages);
  return entries
    .filter((entry) => entry.endsWith("/page"))
    .map((entry) => {
      const files = [entry, ...entriesAround(entry, entries)].flatMap((name) => pages[name]);
      const scripts = new Set([...rootMainFiles, ...files].filter((file) => file.endsWith(".js")));
      const bytes = [...scripts].reduce((sum, file) => sum + sizeOf(file), 0);
      return { route: routeOf(entry), bytes };
    })
    .sort((a, b) => (a.route < b.route ? -1 : 1));
}

/**
 * @param measured what `measureBundles` found
 * @returns lines to print, and complaints: of each route that is over its budget, or is not there
 */
export function checkBudgets(measured, budgetsKb = BUDGETS_KB) {
  const lines = ["First load of JavaScript, gzip:"];
  const complaints = [];
  for (const { route, bytes } of measured) {
    const budget = budgetsKb[route];
    const kb = (bytes / KB).toFixed(1).padStart(6);
    lines.push(`  ${kb} kB  ${route}${budget === undefined ? "" : `  (at most ${budget} kB)`}`);
    if (budget !== undefined && bytes > budget * KB) {
      complaints.push(`${route} needs ${kb.trim()} kB of JavaScript; it may be ${budget} kB.`);
    }
  }
  for (const route of Object.keys(budgetsKb)) {
    if (!measured.some((one) => one.route === route)) {
      complaints.push(`There is a budget for ${route}, and no such page.`);
    }
  }
  return { lines, complaints };
}

/** Prints the sizes. Whether all are within their budgets. */
export function reportBudgets(distDir) {
  const { lines, complaints } = checkBudgets(measureBundles(distDir));
  console.log(["", ...lines].join("\n"));
  for (const complaint of complaints) console.error(complaint);
  return complaints.length === 0;
}
