import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { lead } from "@/__tests__/support/lead";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { writeRow, type WriteRowOptions } from "@/lib/db/writes/write-row";
import type { PrismaClient } from "@/lib/generated/prisma/client";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1" as RegionId;
const SINGAPORE = "ap-southeast-1" as RegionId;
const FAR = 10n ** 12n;

let planet: TestPlanet;
let runtime: Runtime;
let epoch = 1;

/** No worker runs: what a region has applied is what its cursor is set to. */
beforeAll(async () => {
  planet = await startTestPlanet({ failover: {} });
  runtime = planet.runtime(DUBLIN);
});
afterAll(() => planet.stop());
beforeEach(async () => {
  for (const { pool } of planet.regions) await pool.query("DELETE FROM mr.cursor");
  await move(VIRGINIA);
  await Promise.all(planet.ids.map((id) => runtime.state.refresh(DUBLIN, id)));
});

const move = (region: string) => lead(planet, region, (epoch += 1));

/** Says that a region has everything that another one writes. */
async function confirm(region: string, origin: string): Promise<void> {
  await planet
    .region(region)
    .pool.query("INSERT INTO mr.cursor (actor, position) VALUES ($1, $2)", [origin, `${FAR}`]);
}

const select = { id: true, origin: true, position: true } as const;

function write(id: string, options: WriteRowOptions = {}, onAttempt = () => {}) {
  const data = { id, email: `${id}@example.com`, name: "x", passwordHash: "x" };
  const attempt = async (db: PrismaClient) => {
    onAttempt();
    return (
      (await db.user.findUnique({ where: { id }, select })) ?? db.user.create({ data, select })
    );
  };
  return writeRow("User", DUBLIN, attempt, { runtime: () => runtime, ...options });
}

async function origins(id: string): Promise<(string | undefined)[]> {
  return Promise.all(
    planet.regions.map(async ({ pool }) => {
      const { rows } = await pool.query<{ origin: string }>(
        `SELECT origin FROM "User" WHERE id = $1`,
        [id],
      );
      return rows[0]?.origin;
    }),
  );
}

describe("a row of a single-leader entity", () => {
  it("is done once another region has it", async () => {
    await confirm(SINGAPORE, VIRGINIA);
    const outcome = await write(randomUUID());
    expect(outcome).toMatchObject({
      kind: "placed",
      regionId: VIRGINIA,
      confirmation: { kind: "held" },
    });
  });

  it("asks nobody else at durability region", async () => {
    const outcome = await write(randomUUID(), { durability: "region" });
    expect(outcome).toMatchObject({
      kind: "placed",
      regionId: VIRGINIA,
      confirmation: { kind: "region" },
    });
    expect(outcome.waitedMs).toBeLessThan(1_000);
  });

  it("is unconfirmed, and written, while no other region has it", async () => {
    const id = randomUUID();
    const outcome = await write(id, { waitMs: 400, confirmMs: 300 });
    expect(outcome).toMatchObject({
      kind: "placed",
      regionId: VIRGINIA,
      confirmation: { kind: "indeterminate" },
    });
    expect(await origins(id)).toEqual([VIRGINIA, undefined, undefined]);
  });

  it("is made again under the next leader when the lead moves before anybody has it", async () => {
    const id = randomUUID();
    let attempts = 0;
    const outcome = await write(id, {}, () => {
      attempts += 1;
      if (attempts === 1) {
        setTimeout(() => void move(DUBLIN).then(() => confirm(SINGAPORE, DUBLIN)), 200);
      }
    });
    expect(outcome).toMatchObject({
      kind: "placed",
      regionId: DUBLIN,
      confirmation: { kind: "held" },
    });
    expect(await origins(id)).toEqual([VIRGINIA, DUBLIN, undefined]);
  });

  it("that the next leader took over becomes a version of its own, which is waited for", async () => {
    const id = randomUUID();
    await write(id, { durability: "region" });
    await move(DUBLIN);
    await runtime.state.refresh(DUBLIN, DUBLIN);
    await planet.region(DUBLIN).pool.query(
      `WITH role AS (SELECT set_config('role', 'mr_apply', true))
       INSERT INTO "User" (id, email, name, "passwordHash", clock, hlc, origin, position)
       SELECT $1, $1 || '@example.com', 'x', 'x', '{"us-east-1": 1}', 1, 'us-east-1', 1 FROM role`,
      [id],
    );
    const alone = await write(id, { waitMs: 400, confirmMs: 300 });
    expect(alone).toMatchObject({
      kind: "placed",
      regionId: DUBLIN,
      confirmation: { kind: "indeterminate" },
    });
    expect((await origins(id))[1]).toBe(DUBLIN);
    await confirm(SINGAPORE, DUBLIN);
    expect(await write(id)).toMatchObject({
      kind: "placed",
      regionId: DUBLIN,
      confirmation: { kind: "held" },
    });
  });
});
