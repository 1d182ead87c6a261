import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, mkdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { startPostgres, type RunningPostgres } from "@/scripts/local/embedded-postgres";
import { localDir } from "@/scripts/local/paths";
import { takeBaseBackup, writeAsServer } from "./base-backup";
import { easePasswords } from "./database-path";
import { waitFor } from "./wait-for";
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
  /** Copies the files of the running server; what it logs from then on is archived. */
  backUpOnline(): Promise<void>;
  /** Stops the server and starts the online copy in its place, with the archived log up to a time. */
  recoverTo(time: string): Promise<void>;
  remove(): Promise<void>;
}

/** @param options.archives its log, which `backUpOnline` and `recoverTo` need */
export async function startOwnCluster(
  regionId: string,
  options: { archives?: boolean } = {},
): Promise<OwnCluster> {
  // Named for this process: what a killed run leaves behind is removed by the next one.
  const dir = path.join(localDir, `test-${process.pid}`, `own-${randomBytes(4).toString("hex")}`);
  const dataDir = path.join(dir, regionId);
  const copy = path.join(dir, "copy");
  const password = randomBytes(12).toString("hex");
  const appPassword = testStores().appPassword;
  await mkdir(dir, { recursive: true });
  let server: RunningPostgres;
  let port = 0;
  const archive = path.join(dir, "archive");
  const archiving: Record<string, string> = options.archives
    ? { archive_mode: "on", archive_command: `cp %p '${archive}/%f'` }
    : {};
  const start = async (settings: Record<string, string> = {}) => {
    server = await startPostgres({
      name: regionId,
      dataDir,
      port,
      password,
      database: "postgres",
      settings: { ...archiving, ...settings },
    });
    port = server.port;
  };
  await start();
  const owner = await stat(dataDir);
  await mkdir(archive);
  await chown(archive, owner.uid, owner.gid);
  const adminUrl = server!.url;
  await easePasswords(adminUrl);
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
    start: () => start(),
    backUpOnline: async () => {
      await takeBaseBackup(adminUrl, copy);
    },
    recoverTo: async (time) => {
      await withAdmin(adminUrl, async (admin) => {
        const { rows } = await admin.query<{ file: string }>(
          "SELECT pg_walfile_name(pg_switch_wal()) AS file",
        );
        await waitFor(() => existsSync(path.join(archive, rows[0]!.file)), {
          what: "the log to be archived",
        });
      });
      await server.stop();
      await replace(copy, dataDir);
      await writeAsServer(path.join(dataDir, "recovery.signal"), "", copy);
      await start({
        restore_command: `cp '${archive}/%f' %p`,
        recovery_target_time: time,
        recovery_target_action: "promote",
      });
      await withAdmin(adminUrl, (admin) =>
        waitFor(async () => {
          const { rows } = await admin.query<{ over: boolean }>(
            "SELECT NOT pg_is_in_recovery() AS over",
          );
          return rows[0]?.over;
        }),
      );
    },
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
