import { execFile } from "node:child_process";
import { chown, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";

const run = promisify(execFile);

/** As whoever owns the server's files: it refuses those of others. */
export async function writeAsServer(file: string, text: string, owner: string): Promise<void> {
  const { uid, gid } = await stat(owner);
  await writeFile(file, text, { mode: 0o600 });
  await chown(file, uid, gid);
}

/**
 * Copies the files of a running server, as pg_basebackup does, which the embedded programs lack. Without the log that is
 * written meanwhile, which the copy needs.
 *
 * @returns the server's own files
 */
export async function takeBaseBackup(adminUrl: string, to: string): Promise<string> {
  const client = new Client({ connectionString: adminUrl, application_name: "test-base-backup" });
  await client.connect();
  try {
    const { rows } = await client.query<{ data_directory: string }>("SHOW data_directory");
    const from = rows[0]!.data_directory;
    await client.query("SELECT pg_backup_start('test', true)");
    await rm(to, { recursive: true, force: true });
    // Files come and go while it is copied: a server's own tools pass over those that went.
    await run("cp", ["-a", from, to]).catch((error: Error) => {
      if (!/cannot stat|cannot open/.test(error.message)) throw error;
    });
    const { rows: labels } = await client.query<{ labelfile: string }>(
      "SELECT labelfile FROM pg_backup_stop(false)",
    );
    await Promise.all(
      ["postmaster.pid", "postmaster.opts"].map((name) => rm(path.join(to, name), { force: true })),
    );
    await writeAsServer(path.join(to, "backup_label"), labels[0]!.labelfile, from);
    return from;
  } finally {
    await client.end();
  }
}
