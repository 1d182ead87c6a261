import { randomBytes } from "node:crypto";
import { MeridianError } from "@/lib/errors";
import { migrateRegions } from "@/scripts/migrate-runner";
import { withClient } from "@/scripts/with-client";

const NAME = "meridian-drift";
const PREFIX = "meridian_shadow_";

/**
 * Replays the whole history into a new, empty database beside the given one, hands it over, and
 * drops it. The given database is not written to.
 */
export async function withReplay<T>(
  besideUrl: string,
  migrationsDir: string | undefined,
  run: (shadowUrl: string) => Promise<T>,
): Promise<T> {
  const name = `${PREFIX}${randomBytes(6).toString("hex")}`;
  const shadow = new URL(besideUrl);
  shadow.pathname = `/${name}`;
  await withClient(besideUrl, NAME, (admin) =>
    admin.query(`CREATE DATABASE "${name}" TEMPLATE template0`),
  );
  try {
    const [report] = await migrateRegions(
      [{ id: "shadow", directUrl: shadow.href, isPrimary: true }],
      { dir: migrationsDir, initialise: false },
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
