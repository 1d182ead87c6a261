import type { TestPlanet } from "@/__tests__/support/planet";

/** Makes a region the leader in all databases, with a lease that does not end, as the owner. */
export async function lead(planet: TestPlanet, region: string, epoch: number): Promise<void> {
  for (const { id, pool } of planet.regions) {
    await pool.query("UPDATE mr.lease SET valid_until = '-infinity'");
    await pool.query("UPDATE mr.leadership SET epoch = $1, leader = $2, actor = $2", [
      epoch,
      region,
    ]);
    await pool.query("UPDATE mr.acceptor SET promised_epoch = $1, promised_to = $2", [
      epoch,
      region,
    ]);
    if (id === region) await pool.query("UPDATE mr.lease SET epoch = $1", [epoch]);
  }
  await restoreLease(planet, region);
}

export async function revokeLease(planet: TestPlanet, region: string): Promise<void> {
  await planet.region(region).pool.query("UPDATE mr.lease SET valid_until = '-infinity'");
}

export async function restoreLease(planet: TestPlanet, region: string): Promise<void> {
  await planet.region(region).pool.query(`UPDATE mr.lease SET valid_until = 'infinity',
    seen_at = '-infinity', server_start = pg_postmaster_start_time()`);
}
