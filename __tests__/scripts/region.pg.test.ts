import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRegions, type TestRegions } from "@/__tests__/support/stores";
import type { CheckReport } from "@/lib/db/replication/repair/check";
import type { RepairReport } from "@/lib/db/replication/repair/mend";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { projectRoot } from "@/scripts/local/paths";

interface Run {
  code: number | null;
  stdout: string;
}

describe("npm run region", () => {
  let stores: TestRegions;

  beforeAll(async () => {
    stores = await createRegions();
  });
  afterAll(() => stores.drop());

  function region(...args: string[]): Promise<Run> {
    const endpoints = DEFAULT_REGIONS.flatMap(({ id, envKey }) => {
      const url = stores.regions.find((candidate) => candidate.id === id)?.directUrl ?? "";
      return ["READ", "WRITE", "DIRECT"].map((kind): [string, string] => [
        `DB_${envKey}_${kind}`,
        url,
      ]);
    });
    const child = spawn(process.execPath, ["scripts/bootstrap.mjs", "region", ...args], {
      cwd: projectRoot,
      env: { ...process.env, ...Object.fromEntries(endpoints) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, stdout }));
    });
  }

  it("compares, says what it would do, mends, and is clean", async () => {
    expect((await region("check", "--json")).code).toBe(0);
    const eu = stores.regions[1];
    // A row that no stream brings: no worker runs here, and it was not captured.
    await eu?.pool.query(
      `BEGIN; SET LOCAL ROLE mr_apply;
       INSERT INTO "Document" (id, title, "ownerId", clock, hlc, origin, position)
       VALUES ('stray', 't', 'u', '{"eu-west-1": 1}', 1, 'eu-west-1', 1); COMMIT`,
    );
    const checked = await region("check", "--table", "Document", "--json");
    expect(checked.code).toBe(1);
    const report = JSON.parse(checked.stdout) as CheckReport;
    expect(report.differences).toMatchObject([{ id: "stray", kind: "missing" }]);

    const dry = await region("repair", "--dry-run");
    expect(dry).toMatchObject({ code: 1 });
    expect(dry.stdout).toMatch(/would mend {2}joined 1/);
    expect((await region("check")).code).toBe(1);

    const repaired = await region("repair", "--json");
    expect(repaired.code).toBe(0);
    expect((JSON.parse(repaired.stdout) as RepairReport).mended).toEqual([
      { entity: "Document", id: "stray", rule: "joined" },
    ]);
    expect((await region("check")).code).toBe(0);
  });

  it("refuses an unknown table", async () => {
    expect((await region("check", "--table", "Nothing")).code).toBe(1);
  });
});
