import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { projectRoot } from "@/scripts/local/paths";

export const MIGRATIONS_DIR = path.join(projectRoot, "prisma/migrations");

export interface MigrationFile {
  /** Name of its folder; their order is the order of application. */
  name: string;
  sql: string;
  /** Hex sha256 of the file's bytes, as Prisma records it. */
  checksum: string;
}

/** Every `<name>/migration.sql` of a folder, in order. */
export async function readMigrations(dir: string = MIGRATIONS_DIR): Promise<MigrationFile[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const bytes = await readFile(path.join(dir, name, "migration.sql"));
      const checksum = createHash("sha256").update(bytes).digest("hex");
      return { name, sql: bytes.toString("utf8"), checksum };
    }),
  );
}
