import { describe, expect, it } from "vitest";
import { checkOut, isInstalledBy } from "@/scripts/drill/chaos/previous-version";

const lock = (packages: Record<string, [version: string, integrity: string]>, version = "1.0.0") =>
  JSON.stringify({
    packages: {
      "": { name: "meridian", version },
      ...Object.fromEntries(
        Object.entries(packages).map(([name, [version, integrity]]) => [
          `node_modules/${name}`,
          { version, integrity },
        ]),
      ),
    },
  });

describe("packages of an earlier version", () => {
  const installed = lock({ pg: ["8.23.1", "sha512-a"], zod: ["4.6.7", "sha512-b"] });

  it("are those of this one where it wants no others", () => {
    expect(isInstalledBy(installed, installed)).toBe(true);
    expect(isInstalledBy(lock({ pg: ["8.23.1", "sha512-a"] }, "0.9.0"), installed)).toBe(true);
  });

  it.each([
    ["another version", lock({ pg: ["8.22.0", "sha512-a"] })],
    ["other bytes", lock({ pg: ["8.23.1", "sha512-c"] })],
    ["one that is gone", lock({ ioredis: ["5.11.1", "sha512-d"] })],
  ])("are not: %s", (_, wanted) => expect(isInstalledBy(wanted, installed)).toBe(false));
});

it("says so where there is no such commit", async () => {
  const log = () => undefined;
  await expect(checkOut("no-such-commit", log)).rejects.toThrow(
    "There is no commit no-such-commit",
  );
});
