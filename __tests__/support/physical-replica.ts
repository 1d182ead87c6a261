import { execFile } from "node:child_process";
import { cp, mkdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { startPostgres, type RunningPostgres } from "@/scripts/local/embedded-postgres";
import { localDir } from "@/scripts/local/paths";
import { takeBaseBackup, writeAsServer } from "./base-backup";

export interface PhysicalReplica {
  server: RunningPostgres;
  /** The same database of the replica, by the URL of the primary's. */
  of(url: string): string;
  stop(): Promise<void>;
}

/** A hot standby that streams from a running server: what providers sell as a read replica. */
export async function startPhysicalReplica(adminUrl: string): Promise<PhysicalReplica> {
  const dataDir = path.join(localDir, `test-${process.pid}-replica`, "data");
  await mkdir(path.dirname(dataDir), { recursive: true });
  const from = await takeBaseBackup(adminUrl, dataDir);
  // The log that the backup needs may be newer than its copy.
  await cp(path.join(from, "pg_wal"), path.join(dataDir, "pg_wal"), { recursive: true });
  await writeAsServer(path.join(dataDir, "standby.signal"), "", from);
  const owner = await stat(from);
  await promisify(execFile)("chown", ["-R", `${owner.uid}:${owner.gid}`, dataDir]);
  const { hostname, port, username, password } = new URL(adminUrl);
  const secret = decodeURIComponent(password);
  const server = await startPostgres({
    name: "replica",
    dataDir,
    port: 0,
    password: secret,
    database: "postgres",
    settings: {
      primary_conninfo: `host=${hostname} port=${port} user=${username} password=${secret}`,
      hot_standby: "on",
      hot_standby_feedback: "on",
      // Twenty times as often as by default: a test drops databases and waits for it.
      wal_receiver_status_interval: "1s",
    },
  });
  return {
    server,
    of: (url) => {
      const changed = new URL(url);
      changed.host = `127.0.0.1:${server.port}`;
      return changed.href;
    },
    stop: async () => {
      await server.stop();
      await rm(path.dirname(dataDir), { recursive: true, force: true });
    },
  };
}
