import type { RepairRegion } from "./snapshot";

/** From now on none of the regions drops an event that `region` has not applied. */
export async function registerRegion(
  regions: readonly RepairRegion[],
  region: string,
  options: { anew: boolean },
): Promise<void> {
  await Promise.all(
    regions.map(({ pool }) =>
      pool.query("SELECT mr.register_region($1, $2)", [region, options.anew]),
    ),
  );
}

/** The greatest incarnation of `region` that any of the regions knows of; null for none. */
export async function seenIncarnation(
  regions: readonly RepairRegion[],
  region: string,
): Promise<number | null> {
  const seen = await Promise.all(
    regions.map(async ({ pool }) => {
      const { rows } = await pool.query<{ seen: number | null }>(
        "SELECT mr.seen_incarnation($1) AS seen",
        [region],
      );
      return rows[0]?.seen ?? null;
    }),
  );
  const known = seen.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** The beats of `region`'s boots that any of the regions saw: the greatest of each. */
export async function seenBeats(
  regions: readonly RepairRegion[],
  region: string,
): Promise<Record<string, string>> {
  const greatest: Record<string, string> = {};
  for (const { pool } of regions) {
    const { rows } = await pool.query<{ boot: string; beat: string }>(
      "SELECT boot, beat::text FROM mr.peer_beat WHERE region = $1",
      [region],
    );
    for (const { boot, beat } of rows) {
      if (BigInt(beat) > BigInt(greatest[boot] ?? "0")) greatest[boot] = beat;
    }
  }
  return greatest;
}
