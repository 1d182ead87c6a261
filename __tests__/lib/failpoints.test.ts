import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { parseEnv } from "@/lib/env";
import { ConfigurationError } from "@/lib/errors";
import { failpoint, FAILPOINTS, formatFailpoint, parseFailpoint } from "@/lib/failpoints";
import { projectRoot } from "@/scripts/local/paths";

const databases = Object.fromEntries(
  ["US_EAST", "EU_WEST", "AP_SOUTHEAST"].flatMap((key) =>
    ["READ", "WRITE"].map((kind) => [`DB_${key}_${kind}`, "postgresql://app@db.example/app"]),
  ),
);
const local = { ...databases, MERIDIAN_LOCAL_PLANET: "1" };

function refusal(source: Record<string, string>): string {
  try {
    parseEnv(source);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error("The environment was accepted");
}

/** Passes points in a process of its own, saying each, and tells what it said and how it ended. */
async function passing(setting: string, points: readonly string[]) {
  const script = `
    import { writeSync } from "node:fs";
    import { armFailpoint, failpoint, parseFailpoint } from "@/lib/failpoints";
    armFailpoint(parseFailpoint(${JSON.stringify(setting)}));
    for (const point of ${JSON.stringify(points)}) { failpoint(point); writeSync(1, point + "\\n"); }`;
  const args = ["--import", "tsx", "--input-type=module", "-e", script];
  const child = spawn(process.execPath, args, { cwd: projectRoot });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { signal, said: said.trim().split("\n") };
}

describe("a failpoint", () => {
  it("is a name, or a name and the number of a passing", () => {
    expect(parseFailpoint("applier:applied")).toEqual({ point: "applier:applied", passing: 1 });
    expect(parseFailpoint("applier:applied:12")).toEqual({ point: "applier:applied", passing: 12 });
    for (const point of FAILPOINTS) {
      const setting = { point, passing: 3 };
      expect(parseFailpoint(formatFailpoint(setting))).toEqual(setting);
    }
  });

  it.each([
    "applier",
    "applier:gone",
    "applier:applied:0",
    "applier:applied:x",
    "applier:applied:",
  ])("is not %s", (text) => {
    expect(parseFailpoint(text)).toBeNull();
    expect(refusal({ ...local, FAILPOINT: text })).toMatch(
      /^FAILPOINT is invalid: expected a failpoint, .*applier:applied/,
    );
  });

  it("is for the local planet alone", () => {
    const FAILPOINT = "lease:granted:2";
    const { failpoint } = parseEnv({ ...local, FAILPOINT });
    expect(failpoint).toEqual({ point: "lease:granted", passing: 2 });
    expect(parseEnv(databases).failpoint).toBeNull();
    const off = "FAILPOINT is invalid: expected none off a local planet.";
    expect(refusal({ ...databases, FAILPOINT })).toBe(off);
    expect(refusal({ ...local, VERCEL: "1", FAILPOINT })).toBe(off);
  });

  it("does nothing where nobody has armed it", () => {
    for (const point of FAILPOINTS) failpoint(point);
  });

  it("kills the process at the n-th passing, before anything else is done", async () => {
    const passed = ["applier:read", "applier:applied", "applier:read", "applier:applied"];
    const { signal, said } = await passing("applier:applied:2", passed);
    expect(signal).toBe("SIGKILL");
    expect(said).toEqual(passed.slice(0, 3));
  });

  it("lets a process live that does not pass it so often", async () => {
    const passed = ["applier:applied", "applier:read"];
    expect(await passing("applier:applied:2", passed)).toEqual({ signal: null, said: passed });
  });
});
