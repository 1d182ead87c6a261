import path from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withAdmin, withDatabase } from "@/__tests__/support/stores";
import { waitFor } from "@/__tests__/support/wait-for";
import { startPostgres, type RunningPostgres } from "@/scripts/local/embedded-postgres";
import { localDir } from "@/scripts/local/paths";
import { PlanetClocks } from "@/scripts/local/planet-clocks";
import { migrateRegions } from "@/scripts/migrate-runner";

const REGION = "us-east-1";
const DATABASE = "clocked";

describe("the clock of a planet's database", () => {
  const clocks = new PlanetClocks();
  let dir: string;
  let server: RunningPostgres;
  let client: Client;

  const start = () =>
    startPostgres({
      name: REGION,
      dataDir: path.join(dir, REGION),
      port: server?.port ?? 0,
      password: "of-the-test",
      database: "postgres",
    });
  const connect = async (url: string) => {
    const connected = new Client({ connectionString: url });
    connected.on("error", () => undefined);
    await connected.connect();
    return connected;
  };
  /** What leases are decided by, and what stamps are made of, against this machine. */
  const aheadMs = async () => {
    const { rows } = await client.query<{ clock: Date; stamp: string }>(
      "SELECT clock_timestamp() AS clock, (mr.hlc_now() >> 16)::text AS stamp",
    );
    const now = Date.now();
    return [rows[0]!.clock.getTime() - now, Number(rows[0]!.stamp) - now];
  };
  const becomes = (expected: number) =>
    waitFor(async () => (await aheadMs()).every((ms) => Math.abs(ms - expected) < 500), {
      what: `a clock ${expected} ms ahead`,
    });

  beforeAll(async () => {
    dir = await mkdtemp(path.join(localDir, `test-${process.pid}-clock`));
    server = await start();
    const url = withDatabase(server.url, DATABASE);
    await withAdmin(server.url, (admin) => admin.query(`CREATE DATABASE ${DATABASE}`));
    await clocks.add(REGION, { url, dataDir: server.dataDir, pid: () => server.pid });
    const [report] = await migrateRegions([{ id: REGION, directUrl: url, isPrimary: true }], {
      appPassword: "of-the-test",
      initialise: false,
    });
    expect(report).toMatchObject({ ok: true });
    client = await connect(url);
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("is set ahead and back under connections that are open, and set right", async () => {
    await becomes(0);
    await clocks.set(REGION, 5_000);
    await becomes(5_000);
    await clocks.set(REGION, -30_000);
    await becomes(-30_000);
    expect(clocks.states()).toEqual([{ region: REGION, aheadMs: -30_000 }]);
    await clocks.setAllRight();
    await becomes(0);
  });

  it("stays wrong over a restart, and is forgotten with the planet", async () => {
    await clocks.set(REGION, 5_000);
    await client.end();
    await server.stop();
    server = await start();
    client = await connect(withDatabase(server.url, DATABASE));
    await becomes(5_000);
    await client.end();
    await server.stop();
    await PlanetClocks.forget(server.dataDir);
    server = await start();
    client = await connect(withDatabase(server.url, DATABASE));
    await becomes(0);
  });

  it("can't be set where the database was migrated with the machine's", async () => {
    await withAdmin(server.url, async (admin) => {
      await admin.query("CREATE DATABASE unclocked");
    });
    const url = withDatabase(server.url, "unclocked");
    await withAdmin(url, (admin) => admin.query("CREATE SCHEMA mr"));
    const others = new PlanetClocks();
    await others.add(REGION, { url, dataDir: server.dataDir, pid: () => server.pid });
    expect(others.states()).toEqual([]);
    await expect(others.set(REGION, 1)).rejects.toMatchObject({ code: "unknown-clock" });
  });
});
