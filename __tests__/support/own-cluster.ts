import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { startPostgres, type RunningPostgres } from "@/scripts/local/embedded-postgres";
import { localDir } from "@/scripts/local/paths";
import { migrateRegions } from "@/scripts/migrate-runner";
import {
  TEMPLATE,
  testPeerPasswords,
  testStores,
  withAdmin,
  withDatabase,
  type TestCluster,
} from "./stores";

/** A Postgres server of a test's own, whose files can be copied and put back. */
export interface OwnCluster extends TestCluster {
  /** Stops the server, copies its files, and starts it again. */
  backUp(): Promise<void>;
  /** Stops the server and puts the copy in the place of its files; `start` starts it. */
  stopAndPutBack(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startOwnCluster(regionId: string): Promise<OwnCluster> {
  // Named for this process: what a killed run leaves behind is removed by the next one.
  const dir = path.join(localDir, `test-${process.pid}`, `own-${randomBytes(4).toString("hex")}`);
  const dataDir = path.join(dir, regionId);
  const copy = path.join(dir, "copy");
  const password = randomBytes(12).toString("hex");
  const appPassword = testStores().appPassword;
  await mkdir(dir, { recursive: true });
  let server: RunningPostgres;
  let port = 0;
  const start = async () => {
    server = await startPostgres({ name: regionId, dataDir, port, password, database: "postgres" });
    port = server.port;
  };
  await start();
  const adminUrl = server!.url;
  await withAdmin(adminUrl, (admin) => admin.query(`CREATE DATABASE ${TEMPLATE}`));
  const [report] = await migrateRegions(
    [
      {
        id: regionId,
        directUrl: withDatabase(adminUrl, TEMPLATE),
        isPrimary: true,
        peerPasswords: testPeerPasswords(testStores().peerPassword),
      },
    ],
    { appPassword, initialise: false },
  );
  if (!report?.ok) throw new Error(`The template of ${regionId}: ${report?.error?.message}`);
  const replace = async (from: string, to: string) => {
    await rm(to, { recursive: true, force: true });
    // The server refuses files of another owner, and Node's copy does not keep the owner.
    await promisify(execFile)("cp", ["-a", from, to]);
  };
  return {
    regionId,
    adminUrl,
    start,
    backUp: async () => {
      await server.stop();
      await replace(dataDir, copy);
      await start();
    },
    stopAndPutBack: async () => {
      await server.stop();
      await replace(copy, dataDir);
    },
    remove: async () => {
      await server.stop();
      await rm(path.dirname(dir), { recursive: true, force: true });
    },
  };
}
