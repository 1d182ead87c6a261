import type { TestPlanet } from "./planet";

/** Beats of a region that each of its peers has seen: one that has seen nothing of a lost boot follows the copy. */
export async function beatsSeen(planet: TestPlanet, region: string): Promise<number> {
  const seen = await Promise.all(
    planet.regions
      .filter(({ id }) => id !== region)
      .map(async ({ pool }) => {
        const { rows } = await pool.query<{ n: number }>(
          "SELECT coalesce(sum(beat), 0)::int AS n FROM mr.peer_beat WHERE region = $1",
          [region],
        );
        return rows[0]?.n ?? 0;
      }),
  );
  return Math.min(...seen);
}
