import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { lead, restoreLease, revokeLease } from "@/__tests__/support/lead";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { writeToLeader, type LeaderWriteOptions } from "@/lib/db/failover/leader-write";
import { formatSteps } from "@/lib/db/failover/write-history";
import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import type { PrismaClient } from "@/lib/generated/prisma/client";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1" as RegionId;
const SINGAPORE = "ap-southeast-1" as RegionId;

let planet: TestPlanet;
let runtime: Runtime;
let epoch = 1;

/** No worker runs: leases are what a test makes them. */
beforeAll(async () => {
  planet = await startTestPlanet({ failover: {} });
  runtime = planet.runtime(DUBLIN);
});
afterAll(() => planet.stop());
beforeEach(async () => {
  await move(VIRGINIA);
  await Promise.all(planet.ids.map((id) => runtime.state.refresh(DUBLIN, id)));
});

async function move(region: string): Promise<void> {
  await lead(planet, region, (epoch += 1));
}

function insert(id: string) {
  return (db: PrismaClient) =>
    db.$executeRaw`INSERT INTO "User" (id, email, name, "passwordHash")
      VALUES (${id}, ${`${id}@example.com`}, 'x', 'x') ON CONFLICT (id) DO NOTHING`;
}

function write(id: string, options: LeaderWriteOptions = {}) {
  return writeToLeader(DUBLIN, insert(id), { runtime: () => runtime, ...options });
}

async function count(region: string, id: string): Promise<number> {
  const { rows } = await planet
    .region(region)
    .pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM "User" WHERE id = $1`, [id]);
  return rows[0]?.n ?? 0;
}

const after = (ms: number, run: () => Promise<unknown>) =>
  new Promise((resolve, reject) => setTimeout(() => run().then(resolve, reject), ms));

describe("a write to the leader", () => {
  it("is made there at once", async () => {
    const id = randomUUID();
    expect(await write(id)).toMatchObject({ kind: "done", regionId: VIRGINIA, attempts: 1 });
    expect(await count(VIRGINIA, id)).toBe(1);
  });

  it("goes where the former leader says, without asking around", async () => {
    await move(DUBLIN);
    const id = randomUUID();
    const looks = vi.spyOn(runtime.state, "refresh");
    onTestFinished(() => looks.mockRestore());
    const outcome = await write(id);
    expect(looks).not.toHaveBeenCalled();
    expect(outcome).toMatchObject({ kind: "done", regionId: DUBLIN, attempts: 2 });
    expect(await count(VIRGINIA, id)).toBe(0);
    expect(await count(DUBLIN, id)).toBe(1);
  });

  it("goes there by a model's query too, whose error Prisma wraps otherwise", async () => {
    await move(DUBLIN);
    const id = randomUUID();
    const data = { id, email: `${id}@example.com`, name: "x", passwordHash: "x" };
    const outcome = await writeToLeader(DUBLIN, (db) => db.user.create({ data }), {
      runtime: () => runtime,
    });
    expect(outcome).toMatchObject({ kind: "done", regionId: DUBLIN, attempts: 2 });
  });

  it("waits for the leader's lease", async () => {
    await revokeLease(planet, VIRGINIA);
    const restored = after(400, () => restoreLease(planet, VIRGINIA));
    const outcome = await write(randomUUID());
    await restored;
    expect(outcome).toMatchObject({ kind: "done", regionId: VIRGINIA });
    expect(outcome.waitedMs).toBeGreaterThanOrEqual(380);
    expect(outcome.waitedMs).toBeLessThan(1_000);
  });

  it("waits no longer for the lease because another region is gone", async () => {
    await move(DUBLIN);
    await runtime.state.refresh(DUBLIN, DUBLIN);
    await revokeLease(planet, DUBLIN);
    planet.link(DUBLIN, VIRGINIA).postgres.cut();
    const restored = after(300, () => restoreLease(planet, DUBLIN));
    const outcome = await write(randomUUID());
    await restored;
    planet.link(DUBLIN, VIRGINIA).postgres.heal();
    expect(outcome).toMatchObject({ kind: "done", regionId: DUBLIN });
    expect(outcome.waitedMs).toBeLessThan(900);
  });

  it("is refused, and not made, while nobody has a lease", async () => {
    await revokeLease(planet, VIRGINIA);
    const id = randomUUID();
    const outcome = await write(id, { waitMs: 600 });
    expect(outcome).toMatchObject({ kind: "refused", reason: "read-only" });
    expect(outcome.waitedMs).toBeLessThan(1_500);
    await restoreLease(planet, VIRGINIA);
    expect(await count(VIRGINIA, id)).toBe(0);
  });

  it("is indeterminate when its answer does not come, though it was made", async () => {
    const id = randomUUID();
    await write(randomUUID());
    planet.link(DUBLIN, VIRGINIA).postgres.cut({ direction: "from-target" });
    const outcome = await write(id, { waitMs: 500 });
    planet.link(DUBLIN, VIRGINIA).postgres.heal();
    expect(outcome).toMatchObject({ kind: "indeterminate" });
    expect(await count(VIRGINIA, id)).toBe(1);
  });

  it("is made once when its first answer was lost", async () => {
    const id = randomUUID();
    await write(randomUUID());
    const { postgres } = planet.link(DUBLIN, VIRGINIA);
    postgres.cut({ direction: "from-target" });
    // Past the time after which it is made again.
    const healed = after(3_000, async () => postgres.heal());
    const outcome = await write(id, { waitMs: 8_000 });
    await healed;
    expect(outcome).toMatchObject({ kind: "done", regionId: VIRGINIA });
    expect(outcome.kind === "done" && outcome.attempts).toBeGreaterThan(1);
    expect(await count(VIRGINIA, id)).toBe(1);
  });

  it("leaves a leader that hangs as soon as another one is known", async () => {
    await write(randomUUID());
    const { postgres } = planet.link(DUBLIN, VIRGINIA);
    postgres.cut();
    const moved = after(900, () => move(DUBLIN));
    const id = randomUUID();
    const outcome = await write(id);
    await moved;
    postgres.heal();
    expect(outcome).toMatchObject({ kind: "done", regionId: DUBLIN });
    expect(outcome.waitedMs).toBeLessThan(1_800);
    expect(await count(DUBLIN, id)).toBe(1);
  });

  it("is not kept from the next leader that has named the former one, which is gone", async () => {
    await write(randomUUID());
    // Elected, and the last to hear of it.
    await planet
      .region(DUBLIN)
      .pool.query("UPDATE mr.leadership SET epoch = $1, leader = $2", [epoch + 1, SINGAPORE]);
    await runtime.state.refresh(DUBLIN, DUBLIN);
    const { postgres } = planet.link(DUBLIN, VIRGINIA);
    await postgres.refuse();
    const served = after(300, () => move(SINGAPORE));
    const id = randomUUID();
    const outcome = await write(id);
    await served;
    postgres.heal();
    expect(outcome).toMatchObject({ kind: "done", regionId: SINGAPORE });
    expect(outcome.waitedMs).toBeLessThan(2_500);
    expect(await count(SINGAPORE, id)).toBe(1);
  });

  it("that is refused keeps its connection", async () => {
    await revokeLease(planet, VIRGINIA);
    const db = runtime.clients.write(DUBLIN, VIRGINIA);
    const backend = async () => {
      const rows = await db.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
      return rows[0]?.pid;
    };
    const before = await backend();
    await expect(insert(randomUUID())(db)).rejects.toThrow();
    expect(await backend()).toBe(before);
  });

  it("says what it met where nobody knows what became of it", async () => {
    const id = randomUUID();
    await write(randomUUID());
    planet.link(DUBLIN, VIRGINIA).postgres.cut({ direction: "from-target" });
    const outcome = await write(id, { waitMs: 500 });
    planet.link(DUBLIN, VIRGINIA).postgres.heal();
    if (outcome.kind !== "indeterminate") throw new Error(outcome.kind);
    const [step] = outcome.history;
    expect(step).toMatchObject({ kind: "attempt", regionId: VIRGINIA });
    expect(step?.answer).toMatch(/did not answer within/);
    expect(formatSteps(outcome.history)).not.toContain(id);
  });

  it("that took longer than the margin counts only while the lease is held", async () => {
    const slowly = (id: string, meanwhile: () => Promise<unknown>) =>
      writeToLeader(
        DUBLIN,
        async (db) => {
          await insert(id)(db);
          await after(500, meanwhile);
        },
        { runtime: () => runtime, waitMs: 0 },
      );
    const held = await slowly(randomUUID(), async () => undefined);
    expect(held).toMatchObject({ kind: "done" });
    const lost = await slowly(randomUUID(), () => revokeLease(planet, VIRGINIA));
    expect(lost).toMatchObject({ kind: "indeterminate" });
  });

  it("that only finds an earlier attempt's row counts only while the lease is held", async () => {
    const id = randomUUID();
    let attempts = 0;
    const outcome = await writeToLeader(
      DUBLIN,
      async (db) => {
        attempts += 1;
        if (attempts > 1) return db.user.findUnique({ where: { id } });
        await insert(id)(db);
        await revokeLease(planet, VIRGINIA);
        throw Object.assign(new Error("the answer was lost"), { code: "ECONNRESET" });
      },
      { runtime: () => runtime, waitMs: 300 },
    );
    expect(attempts).toBeGreaterThan(1);
    expect(outcome).toMatchObject({ kind: "indeterminate" });
  });

  it("throws what has nothing to do with leadership", async () => {
    const id = randomUUID();
    const data = { id, email: `${id}@example.com`, name: "x", passwordHash: "x" };
    const twice = () =>
      writeToLeader(DUBLIN, (db) => db.user.create({ data }), { runtime: () => runtime });
    expect(await twice()).toMatchObject({ kind: "done" });
    await expect(twice()).rejects.toMatchObject({ code: "P2002" });
  });
});

describe("a strong read", () => {
  const read = (id: string) =>
    new ReadYourWritesManager(() => runtime).ensureConsistency(
      "somebody",
      DUBLIN,
      (db) => db.user.findUnique({ where: { id } }),
      { level: "strong" },
    );

  it("says in which epoch its region led", async () => {
    const id = randomUUID();
    await write(id);
    const { data, receipt } = await read(id);
    expect(data?.id).toBe(id);
    expect(receipt).toMatchObject({
      regionId: VIRGINIA,
      reason: "redirected-leader",
      stale: false,
      epoch,
      leader: VIRGINIA,
    });
  });

  it("sees what the next leader took, though this process has not heard of it", async () => {
    const id = randomUUID();
    await move(DUBLIN);
    await insert(id)(runtime.clients.write(DUBLIN, DUBLIN));
    const { data, receipt } = await read(id);
    expect(data?.id).toBe(id);
    expect(receipt).toMatchObject({ regionId: DUBLIN, reason: "nearest", stale: false, epoch });
  });

  it("is made again by a region that led, lost the lead and got it back meanwhile", async () => {
    let runs = 0;
    const { receipt } = await new ReadYourWritesManager(() => runtime).ensureConsistency(
      "somebody",
      DUBLIN,
      async (db) => {
        runs += 1;
        const rows = await db.user.count();
        if (runs === 1) {
          await move(DUBLIN);
          await move(VIRGINIA);
        }
        return rows;
      },
      { level: "strong" },
    );
    expect(runs).toBe(2);
    expect(receipt).toMatchObject({ regionId: VIRGINIA, stale: false, epoch });
  });

  it("says that nobody could show to lead", async () => {
    await revokeLease(planet, VIRGINIA);
    const { receipt } = await read("nobody");
    expect(receipt).toMatchObject({ reason: "no-lease", stale: true });
    expect(receipt.elapsedMs).toBeLessThan(4_000);
  });

  it("goes to the next leader when the former one hangs", async () => {
    planet.link(DUBLIN, VIRGINIA).postgres.cut();
    const moved = after(300, () => move(DUBLIN));
    const { receipt } = await read("nobody");
    await moved;
    planet.link(DUBLIN, VIRGINIA).postgres.heal();
    expect(receipt).toMatchObject({ regionId: DUBLIN, stale: false });
    expect(receipt.elapsedMs).toBeLessThan(7_000);
  });
});
