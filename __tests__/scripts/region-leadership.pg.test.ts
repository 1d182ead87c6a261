import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import type { FailoverPreview } from "@/lib/failover-shape";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { projectRoot } from "@/scripts/local/paths";

const DUBLIN = "eu-west-1";

let planet: TestPlanet;

beforeAll(async () => {
  // A lease that a machine with other work to do renews in time: what is said of a leader needs one.
  planet = await startTestPlanet({
    failover: { automatic: false, leaseMs: 10_000, marginMs: 500 },
  });
  await planet.startWorkers();
  await waitFor(
    async () => {
      const { stdout } = await region("preview", "--json");
      const preview = JSON.parse(stdout) as FailoverPreview;
      const others = preview.candidates.filter(({ leads }) => !leads);
      return preview.leader?.leading && others.every(({ refusal }) => !refusal);
    },
    { timeoutMs: 60_000, what: "a leader, and two that may follow it" },
  );
});
afterAll(() => planet.stop());

function region(...args: string[]) {
  const endpoints = DEFAULT_REGIONS.flatMap(({ id, envKey }) =>
    ["READ", "WRITE", "DIRECT"].map((kind): [string, string] => [
      `DB_${envKey}_${kind}`,
      planet.region(id).directUrl,
    ]),
  );
  const child = spawn(process.execPath, ["scripts/bootstrap.mjs", "region", ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...Object.fromEntries(endpoints) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

describe("npm run region, about who leads", () => {
  it("says what a region would cost, and that another is unknown", async () => {
    const preview = await region("preview", DUBLIN);
    expect(preview.code).toBe(0);
    expect(preview.stdout).toMatch(/leader us-east-1, epoch 1, \d+ ms of its lease left/);
    expect(preview.stdout).toMatch(/eu-west-1 +recommended: switchover/);
    expect(preview.stdout).toMatch(/failover +leaves behind up to 0 writes/);
    const unknown = await region("preview", "mars-1");
    expect(unknown).toMatchObject({ code: 1, stdout: expect.stringContaining("no region mars-1") });
  });

  it.each(["switchover", "failover"])("does no %s that nobody confirmed", async (kind) => {
    const { code, stderr } = await region(kind, DUBLIN, "--yes", "eu");
    expect(code).toBe(1);
    expect(stderr).toContain("recommended: switchover");
    expect(stderr).toContain(`say --yes ${DUBLIN}`);
  });

  it("refuses a region that leads, with the reason", async () => {
    const { code, stderr } = await region("switchover", "us-east-1", "--yes", "us-east-1");
    expect(code).toBe(1);
    expect(stderr).toContain("us-east-1 leads already.");
  });

  it("switches over, and has it in the history and the audit", async () => {
    const done = await region("switchover", DUBLIN, "--yes", DUBLIN, "--reason", "a test");
    expect(done.stderr).toContain("3 of 3 regions vote");
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("completed") });
    const history = await region("history", "--limit", "1");
    expect(history.stdout).toMatch(
      /us-east-1 -> eu-west-1 {2}completed {2}\(a test, command line\)/,
    );
    const { rows } = await planet
      .region(DUBLIN)
      .pool.query("SELECT actor_user, action, result FROM mr.list_audit('leadership.', 1)");
    expect(rows).toEqual([
      { actor_user: "command line", action: "leadership.switchover", result: "requested" },
    ]);
  });

  it("pauses and resumes", async () => {
    expect((await region("pause", "--reason", "a test")).stdout).toContain("paused in us-east-1");
    expect((await region("preview")).stdout).toContain("paused: a test");
    expect((await region("resume")).code).toBe(0);
    expect((await region("status")).stdout).not.toContain("paused");
  });
});
