import { execFile } from "node:child_process";
import { cp, mkdir, rm, stat, writeFile, chown } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { startPostgres, type RunningPostgres } from "@/scripts/local/embedded-postgres";
import { localDir } from "@/scripts/local/paths";

const run = promisify(execFile);

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
  const primary = new Client({ connectionString: adminUrl, application_name: "test-base-backup" });
  await primary.connect();
  try {
    const { rows } = await primary.query<{ data_directory: string }>("SHOW data_directory");
    const from = rows[0]!.data_directory;
    await primary.query("SELECT pg_backup_start('replica', true)");
    // Files come and go while it is copied: a server's own tools pass over those that went.
    await run("cp", ["-a", from, dataDir]).catch((error: Error) => {
      if (!/cannot stat|cannot open/.test(error.message)) throw error;
    });
    const { rows: labels } = await primary.query<{ labelfile: string }>(
      "SELECT labelfile FROM pg_backup_stop(false)",
    );
    // The log that the backup needs may be newer than its copy.
    await cp(path.join(from, "pg_wal"), path.join(dataDir, "pg_wal"), { recursive: true });
    const owner = await stat(from);
    await Promise.all([
      rm(path.join(dataDir, "postmaster.pid"), { force: true }),
      rm(path.join(dataDir, "postmaster.opts"), { force: true }),
    ]);
    for (const [name, text] of [
      ["backup_label", labels[0]!.labelfile],
      ["standby.signal", ""],
    ] as const) {
      await writeFile(path.join(dataDir, name), text, { mode: 0o600 });
      await chown(path.join(dataDir, name), owner.uid, owner.gid);
    }
    await run("chown", ["-R", `${owner.uid}:${owner.gid}`, dataDir]);
  } finally {
    await primary.end();
  }
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
