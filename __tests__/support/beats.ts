import type { TestPlanet } from "./planet";

/**
 * Beats of a region's present boot that each of its peers has seen: one that has seen nothing of a lost boot follows
 * the copy. Those of former boots don't count: a peer may hear the last of them after the next boot.
 */
export async function beatsSeen(planet: TestPlanet, region: string): Promise<number> {
  const own = await planet.region(region).pool.query<{ boot: string }>("SELECT mr.boot() AS boot");
  const seen = await Promise.all(
    planet.regions
      .filter(({ id }) => id !== region)
      .map(async ({ pool }) => {
        const { rows } = await pool.query<{ beat: number }>(
          "SELECT beat::int AS beat FROM mr.peer_beat WHERE region = $1 AND boot = $2",
          [region, own.rows[0]?.boot],
        );
        return rows[0]?.beat ?? 0;
      }),
  );
  return Math.min(...seen);
}
