import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { toPosition } from "@/lib/db/sessions/positions";
import { tickRegions } from "@/lib/db/ticks/region-ticks";
import { writeRow } from "@/lib/db/writes/write-row";
import { insertOrFind } from "@/scripts/drill/drill-row";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1" as RegionId;
const SINGAPORE = "ap-southeast-1" as RegionId;

let planet: TestPlanet;

/** No worker runs, and nobody has a lease before somebody needs one. */
beforeAll(async () => {
  planet = await startTestPlanet({ failover: {} });
});
afterAll(() => planet.stop());

/** One request's: it knows nothing, and what it does after its answer is over when this is. */
async function request<T>(vantage: RegionId, work: (runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = new Runtime(() => ({ ...planet.topology(vantage), serverless: true }));
  try {
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}

function write(vantage: RegionId, id: string, durability: "region" | "quorum" = "region") {
  return request(vantage, (runtime) =>
    writeRow("User", vantage, (db) => insertOrFind(db, id), {
      durability,
      waitMs: 8_000,
      runtime: () => runtime,
    }),
  );
}

async function leading(): Promise<string[]> {
  const leads = await Promise.all(
    planet.regions.map(async ({ id, pool }) => {
      const { rows } = await pool.query<{ leads: boolean }>(
        "SELECT mr.leading() IS NOT NULL AS leads",
      );
      return rows[0]?.leads ? [id] : [];
    }),
  );
  return leads.flat();
}

async function regionsWith(id: string): Promise<string[]> {
  const found = await Promise.all(
    planet.regions.map(async ({ id: region, pool }) => {
      const { rowCount } = await pool.query(`SELECT FROM "User" WHERE id = $1`, [id]);
      return rowCount === 1 ? [region as string] : [];
    }),
  );
  return found.flat().sort();
}

const ALL = [SINGAPORE, DUBLIN, VIRGINIA].sort();

describe("without workers", () => {
  it("a write that finds no lease gets one, and its row is everywhere after the answer", async () => {
    expect(await leading()).toEqual([]);
    const id = randomUUID();
    expect(await write(DUBLIN, id)).toMatchObject({ kind: "placed" });
    expect(await regionsWith(id)).toEqual(ALL);
  });

  it("a lease that ran out is renewed, and the lead stays where it is", async () => {
    await write(VIRGINIA, randomUUID());
    const [leader] = await leading();
    await expect.poll(leading, { timeout: 5_000 }).toEqual([]);
    const again = await write(SINGAPORE, randomUUID());
    expect(again).toMatchObject({ kind: "placed", regionId: leader });
  });

  it("a write waits for a majority that it brings about itself", async () => {
    const id = randomUUID();
    const written = await write(VIRGINIA, id, "quorum");
    expect(written).toMatchObject({ confirmation: { kind: "held" } });
  });

  it("requests at once from everywhere renew together, and one region leads", async () => {
    await expect.poll(leading, { timeout: 5_000 }).toEqual([]);
    const ids = Array.from({ length: 12 }, () => randomUUID());
    const written = await Promise.all(ids.map((id, n) => write(planet.ids[n % 3]!, id)));
    expect(written.map(({ kind }) => kind)).toEqual(ids.map(() => "placed"));
    expect(new Set(written.map((row) => "regionId" in row && row.regionId)).size).toBe(1);
    for (const id of ids) expect(await regionsWith(id)).toEqual(ALL);
  });

  it("a session sees its write in every region, also while the streams are cut", async () => {
    const others = (origin: string) => planet.ids.filter((id) => id !== origin);
    for (const cut of [false, true]) {
      const written = await request(DUBLIN, async (runtime) => {
        const row = await writeRow("Document", DUBLIN, insertDocument, { runtime: () => runtime });
        // The answer is out; what follows it never comes about.
        if (cut) {
          await Promise.all(others(DUBLIN).map((to) => planet.link(DUBLIN, to).postgres.refuse()));
        }
        return row;
      });
      if (written.kind !== "placed") throw new Error(written.kind);
      const { id, origin, position } = written.value;
      for (const vantage of [VIRGINIA, SINGAPORE]) {
        const token = {
          kind: "valid" as const,
          positions: new Map([[origin as Actor, toPosition(position)]]),
        };
        const { data } = await request(vantage, (runtime) =>
          new ReadYourWritesManager(() => runtime).ensureConsistency(
            "u",
            vantage,
            (db) => db.$queryRaw<unknown[]>`SELECT 1 FROM "Document" WHERE id = ${id}`,
            { vantage, token },
          ),
        );
        expect(data, `${vantage}, cut: ${cut}`).toHaveLength(1);
      }
    }
    await Promise.all(others(DUBLIN).map((to) => planet.link(DUBLIN, to).postgres.heal()));
  });

  it("a tick of all regions moves what no request has, and two at once are harmless", async () => {
    const id = randomUUID();
    await planet
      .region(SINGAPORE)
      .pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 't', 'u')`, [id]);
    const tick = () => tickRegions(planet.topology(VIRGINIA), () => () => [], 3_000);
    const ticks = await Promise.all([tick(), tick()]);
    for (const { error } of ticks.flat()) expect(error).toBeNull();
    for (const { pool } of planet.regions) {
      const { rowCount } = await pool.query(`SELECT FROM "Document" WHERE id = $1`, [id]);
      expect(rowCount).toBe(1);
    }
  });
});

async function insertDocument(db: Parameters<typeof insertOrFind>[0]) {
  const rows = await db.$queryRaw<{ id: string; origin: string; position: bigint }[]>`
    INSERT INTO "Document" (id, title, "ownerId") VALUES (${randomUUID()}, 't', 'u')
    RETURNING id, origin, position`;
  return rows[0]!;
}
