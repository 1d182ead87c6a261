import { randomUUID } from "node:crypto";
import type { ClientBase } from "pg";
import { errorMessage, MeridianError } from "@/lib/errors";
import type { MigrationFile } from "@/scripts/migration-files";

/** The history of a database and the migrations of this checkout do not fit together. */
export class MigrationRefusedError extends MeridianError {
  constructor(reason: "edited" | "failed" | "unknown", migration: string, message: string) {
    super(`migration-${reason}`, message, { data: { migration } });
  }
}

export class MigrationFailedError extends MeridianError {
  constructor(migration: string, cause: unknown) {
    super("migration-error", `${migration} failed: ${errorMessage(cause)}`, {
      data: { migration },
      cause,
    });
  }
}

interface HistoryRow {
  id: string;
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

/** The table Prisma keeps, in its own shape, so that its tools accept the history. */
export async function ensureHistoryTable(client: ClientBase): Promise<void> {
  await client.query(`
    CREATE TABLE IF NOT EXISTS public._prisma_migrations (
      id varchar(36) PRIMARY KEY NOT NULL,
      checksum varchar(64) NOT NULL,
      finished_at timestamptz,
      migration_name varchar(255) NOT NULL,
      logs text,
      rolled_back_at timestamptz,
      started_at timestamptz NOT NULL DEFAULT now(),
      applied_steps_count integer NOT NULL DEFAULT 0
    )`);
}

async function readHistory(client: ClientBase): Promise<HistoryRow[]> {
  const result = await client.query<HistoryRow>(
    `SELECT id, migration_name, checksum, finished_at
     FROM public._prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return result.rows;
}

/** Lets migrations that failed be tried again. Sound because a failed one left nothing behind. */
export async function forgetFailures(client: ClientBase): Promise<void> {
  await client.query(
    `UPDATE public._prisma_migrations SET rolled_back_at = now()
     WHERE finished_at IS NULL AND rolled_back_at IS NULL`,
  );
}

/**
 * The migrations still to apply.
 *
 * @throws MigrationRefusedError when one failed before, was edited after it was applied, or is in
 *   the history but not in this checkout (an older release must not touch a newer database)
 */
export async function pendingMigrations(
  client: ClientBase,
  files: readonly MigrationFile[],
): Promise<MigrationFile[]> {
  const byName = new Map(files.map((file) => [file.name, file]));
  const applied = new Set<string>();
  for (const row of await readHistory(client)) {
    const name = row.migration_name;
    const file = byName.get(name);
    if (row.finished_at === null) {
      throw new MigrationRefusedError(
        "failed",
        name,
        `${name} failed or was interrupted before and was rolled back: ` +
          "mend its cause and run `npm run db:migrate -- --retry-failed`.",
      );
    }
    if (!file) {
      throw new MigrationRefusedError(
        "unknown",
        name,
        `${name} was applied to this database but is not among the migrations here.`,
      );
    }
    if (file.checksum !== row.checksum) {
      throw new MigrationRefusedError(
        "edited",
        name,
        `${name} was changed after it was applied: restore the file and add a new migration.`,
      );
    }
    applied.add(name);
  }
  return files.filter((file) => !applied.has(file.name));
}

/**
 * Applies one file. Sent as one simple query, the file is one transaction, and the end mark rides
 * in it: after a crash a migration is either applied and marked, or neither.
 */
export async function applyMigration(client: ClientBase, file: MigrationFile): Promise<void> {
  const id = randomUUID();
  await client.query(
    "INSERT INTO public._prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)",
    [id, file.checksum, file.name],
  );
  try {
    await client.query(
      `${file.sql}
;UPDATE public._prisma_migrations
   SET finished_at = clock_timestamp(), applied_steps_count = 1 WHERE id = '${id}'`,
    );
  } catch (error) {
    const logs = errorMessage(error);
    await client
      .query("ROLLBACK; RESET ALL")
      .then(() =>
        client.query("UPDATE public._prisma_migrations SET logs = $2 WHERE id = $1", [id, logs]),
      )
      .catch(() => undefined); // the connection is gone: the unfinished row says enough
    throw new MigrationFailedError(file.name, error);
  }
  await client.query("RESET ALL"); // a file's SET must not reach the next one
}
