import { execFile } from "node:child_process";
import { access, readdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { errorMessage } from "@/lib/errors";
import { libraryPath, unpackDebianPackages } from "@/scripts/local/debian-package";

/** What a cluster is run by. */
export interface PatroniPrograms {
  /** "3.0.2" */
  version: string;
  /** Command and leading arguments. */
  patroni: readonly string[];
  etcd: string;
  /** Folder of PostgreSQL's programs. */
  binDir: string;
  env: Readonly<Record<string, string>>;
  /** Where they are: whoever runs them has to be able to enter it. */
  root: string;
}

/**
 * PostgreSQL is Debian's too. Patroni needs pg_basebackup, pg_rewind and pg_controldata of the server's own version,
 * and the embedded PostgreSQL comes without them.
 */
const PACKAGES = ["patroni", "etcd-server", "postgresql", "python3-etcd", "python3-psycopg2"];
/** A Debian package's modules are built for Debian's own interpreter. */
const PYTHON = "/usr/bin/python3";

const run = promisify(execFile);

/** `null`, after a line that says why, where there is no Debian, no Python or no network. */
export async function findPatroni(log: (line: string) => void): Promise<PatroniPrograms | null> {
  try {
    if (process.platform !== "linux") throw new Error("it is run on Linux alone");
    await access(PYTHON);
    const root = await unpackDebianPackages("patroni", PACKAGES, { onLog: log });
    const env = {
      PYTHONPATH: path.join(root, "usr/lib/python3/dist-packages"),
      LD_LIBRARY_PATH: await libraryPath(root),
    };
    const patroni = [PYTHON, await place(root, "usr/bin/patroni")];
    const { stdout } = await run(patroni[0]!, [...patroni.slice(1), "--version"], {
      env: { ...process.env, ...env },
      timeout: 20_000,
    });
    return {
      version: stdout.trim().split(" ").at(-1) ?? "",
      patroni,
      etcd: await place(root, "usr/bin/etcd"),
      binDir: await serverPrograms(root),
      env,
      root,
    };
  } catch (error) {
    log(`There is no Patroni here: ${errorMessage(error)}`);
    return null;
  }
}

/** In the unpacked packages, or on the machine where it has them already. */
async function place(root: string, file: string): Promise<string> {
  const unpacked = path.join(root, file);
  return access(unpacked).then(
    () => unpacked,
    async () => {
      await access(`/${file}`);
      return `/${file}`;
    },
  );
}

/** Debian keeps each major version in a folder of its own. */
async function serverPrograms(root: string): Promise<string> {
  for (const folder of [path.join(root, "usr/lib/postgresql"), "/usr/lib/postgresql"]) {
    const majors = await readdir(folder).catch(() => []);
    for (const major of majors.sort((a, b) => Number(b) - Number(a))) {
      const binDir = path.join(folder, major, "bin");
      const programs = ["postgres", "pg_basebackup"].map((name) => access(path.join(binDir, name)));
      if ((await Promise.allSettled(programs)).every(({ status }) => status === "fulfilled")) {
        return binDir;
      }
    }
  }
  throw new Error("no PostgreSQL server was unpacked");
}
