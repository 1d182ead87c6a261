import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lead } from "@/__tests__/support/lead";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";

const VIRGINIA = "us-east-1";

interface Sample {
  boot: string;
  now: string;
  leading: string | null;
}

let planet: TestPlanet;

/** No worker runs: nobody else renews. */
beforeAll(async () => {
  planet = await startTestPlanet();
  await lead(planet, VIRGINIA, 2);
});
afterAll(() => planet.stop());

async function probe(): Promise<Sample> {
  const { rows } = await planet
    .region(VIRGINIA)
    .pool.query<{ sample: Sample }>("SELECT mr.probe() AS sample");
  return rows[0]!.sample;
}

async function hold({ boot, now }: Sample): Promise<string> {
  const { rows } = await planet
    .region(VIRGINIA)
    .pool.query<{ outcome: string }>(
      "SELECT mr.hold_lease(2, $1::timestamptz, $2, 5000, false) AS outcome",
      [now, boot],
    );
  return rows[0]!.outcome;
}

async function isLeading(): Promise<boolean> {
  const { rows } = await planet
    .region(VIRGINIA)
    .pool.query<{ leads: boolean }>("SELECT mr.leading() IS NOT NULL AS leads");
  return rows[0]!.leads;
}

describe("a lease whose clock is set back", () => {
  it("goes on through many probes and renewals at once", async () => {
    await Promise.all(Array.from({ length: 40 }, async () => hold(await probe())));
    const { rows } = await planet
      .region(VIRGINIA)
      .pool.query<{ backs: string }>("SELECT set_backs::text AS backs FROM mr.lease");
    expect(rows[0]?.backs).toBe("0");
    expect(await isLeading()).toBe(true);
  });

  it("is void for good, and what was asked for before is not held", async () => {
    const before = await probe();
    expect(await hold(before)).toBe("held");
    // The database has seen a later time than the clock shows now.
    await planet
      .region(VIRGINIA)
      .pool.query("UPDATE mr.lease SET seen_at = clock_timestamp() + interval '300 ms'");
    expect((await probe()).leading).toBeNull();
    const { rows } = await planet
      .region(VIRGINIA)
      .pool.query<{ until: string }>(
        "SELECT (clock_timestamp() + interval '400 ms')::text AS until",
      );
    await waitFor(
      async () => {
        const { rows: passed } = await planet
          .region(VIRGINIA)
          .pool.query<{ passed: boolean }>("SELECT clock_timestamp() > $1::timestamptz AS passed", [
            rows[0]!.until,
          ]);
        return passed[0]!.passed;
      },
      { timeoutMs: 5_000 },
    );
    expect(await isLeading()).toBe(false);
    expect(await hold(before)).toBe("restarted");
    expect(await hold(await probe())).toBe("held");
    expect(await isLeading()).toBe(true);
  });
});

describe("a first lease that was under way while its database was stopped", () => {
  it("begins nothing once it is over", async () => {
    const { pool } = planet.region(VIRGINIA);
    const begin = async (epoch: number, ageMs: number) => {
      const { rows } = await pool.query<{ outcome: string }>(
        `SELECT mr.hold_lease($1, now() - $2 * interval '1 ms', mr.probe() ->> 'boot', 5000, true) AS outcome`,
        [epoch, ageMs],
      );
      const { rows: after } = await pool.query<{ begun: string }>(
        "SELECT epoch::text AS begun FROM mr.lease",
      );
      return [rows[0]?.outcome, after[0]?.begun];
    };
    expect(await begin(3, 5_001)).toEqual(["late", "2"]);
    expect(await begin(3, 4_000)).toEqual(["held", "3"]);
  });
});
