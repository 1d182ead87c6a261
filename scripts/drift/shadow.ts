import { randomBytes } from "node:crypto";
import { errorMessage, MeridianError } from "@/lib/errors";
import type { PolicyDefaults } from "@/lib/policy-defaults";
import { migrateRegions } from "@/scripts/migrate-runner";
import { withClient } from "@/scripts/with-client";

const NAME = "meridian-drift";
const PREFIX = "meridian_shadow_";

/**
 * Replays the whole history into a new, empty database beside the given one, hands it over, and
 * drops it. The given database is not written to. Entities are declared under `defaults`.
 */
export async function withReplay<T>(
  besideUrl: string,
  migrationsDir: string | undefined,
  run: (shadowUrl: string) => Promise<T>,
  defaults?: PolicyDefaults,
): Promise<T> {
  const name = `${PREFIX}${randomBytes(6).toString("hex")}`;
  const shadow = new URL(besideUrl);
  shadow.pathname = `/${name}`;
  try {
    await withClient(besideUrl, NAME, (admin) =>
      admin.query(`CREATE DATABASE "${name}" TEMPLATE template0`),
    );
  } catch (cause) {
    const host = new URL(besideUrl).host;
    throw new MeridianError(
      "no-replay-database",
      `The migrations need a new database on ${host} to be replayed into: ${errorMessage(cause)}`,
      { cause },
    );
  }
  try {
    const [report] = await migrateRegions(
      [{ id: "shadow", directUrl: shadow.href, isPrimary: true }],
      { dir: migrationsDir, initialise: false, defaults },
    );
    if (!report?.ok) {
      throw new MeridianError(
        "replay-failed",
        `The migrations cannot be replayed: ${report?.error?.message}`,
      );
    }
    return await run(shadow.href);
  } finally {
    await withClient(besideUrl, NAME, (admin) =>
      admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`),
    );
  }
}
