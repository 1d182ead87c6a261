import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { lead } from "@/__tests__/support/lead";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import type { RegionId } from "@/lib/db/multi-region-config";
import type { Runtime } from "@/lib/db/regions/runtime";
import { Ledger, transferId } from "@/lib/ecommerce/ledger";
import { readTrialBalance } from "@/lib/ecommerce/ledger-statements";
import { buyerAccount, SALES_ACCOUNT, type PostOutcome } from "@/lib/ecommerce/ledger-types";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1" as RegionId;
const SINGAPORE = "ap-southeast-1" as RegionId;
const BUYER = "buyer";

let planet: TestPlanet;
let runtime: Runtime;
let ledger: Ledger;
let key: string;
let epoch = 1;

beforeAll(async () => {
  planet = await startTestPlanet();
  runtime = planet.runtime(DUBLIN);
  ledger = new Ledger(() => runtime);
  await planet.startWorkers();
});
afterAll(() => planet.stop());
beforeEach(async () => {
  key = randomUUID();
  await move(VIRGINIA);
});

async function move(region: RegionId): Promise<void> {
  await lead(planet, region, (epoch += 1));
  const known = () => Promise.all(planet.ids.map((id) => runtime.state.refresh(DUBLIN, id)));
  // On a busy machine a connection takes its time.
  await waitFor(() => known().catch(() => null), { timeoutMs: 20_000, what: "who leads" });
}

const content = (amountMinor: number) => ({
  userId: BUYER,
  key,
  debitAccount: buyerAccount(BUYER),
  creditAccount: SALES_ACCOUNT,
  amountMinor,
  orderId: null,
});

const post = (amountMinor = 1_000) => ledger.post(DUBLIN, content(amountMinor));

/** For as long as nobody confirms. */
const postAlone = (amountMinor = 1_000) =>
  ledger.post(DUBLIN, content(amountMinor), { waitMs: 250, confirmMs: 200 });

function posted(outcome: PostOutcome) {
  if (outcome.kind !== "posted") throw new Error(JSON.stringify(outcome.kind));
  return outcome;
}

/** What each region has under the key. */
async function held() {
  return Promise.all(
    planet.regions.map(async ({ pool }) => {
      const { rows } = await pool.query<{ amount: string; epoch: string }>(
        `SELECT "amountMinor"::text AS amount, mr.epoch_of(vouched)::text AS epoch
         FROM "LedgerTransfer" WHERE "userId" = $1 AND key = $2`,
        [BUYER, key],
      );
      return rows.map((row) => [Number(row.amount), Number(row.epoch)]);
    }),
  );
}

async function everywhere(expected: [number, number][]): Promise<void> {
  await waitForConvergence(planet.regions, 20_000);
  for (const seen of await held()) expect(seen).toEqual(expected);
  for (const id of planet.ids) {
    const balance = await readTrialBalance(runtime.clients.write(DUBLIN, id));
    expect(balance, id).toMatchObject({ sumMinor: 0, wrong: 0 });
  }
}

/** As if that region's clock had been so far ahead when it wrote. */
async function postdate(region: RegionId, ms: number): Promise<void> {
  const client = await planet.region(region).pool.connect();
  const ahead = `hlc = hlc + (${ms}::bigint << 16) WHERE key = $1`;
  try {
    await client.query("SET ROLE mr_apply");
    await client.query(`UPDATE "LedgerTransfer" SET ${ahead}`, [key]);
    await client.query("RESET ROLE");
    await client.query(`UPDATE mr."outbox_LedgerTransfer" SET ${ahead}`, [key]);
  } finally {
    client.release();
  }
}

describe("a transfer", () => {
  it("is acknowledged once another region has it, and is in both accounts", async () => {
    const { transfer, repeated, place } = posted(await post());
    expect(repeated).toBe(false);
    expect(place).toMatchObject({ regionId: VIRGINIA, confirmation: { kind: "held" } });
    expect(transfer).toMatchObject({ id: transferId(BUYER, key), amountMinor: 1_000, epoch });
    await everywhere([[1_000, epoch]]);
    const { rows } = await planet
      .region(SINGAPORE)
      .pool.query<{ side: string; amount_minor: string }>(
        "SELECT side, amount_minor FROM mr.ledger_entry WHERE transfer_id = $1 ORDER BY side",
        [transfer.id],
      );
    expect(rows).toEqual([
      { side: "credit", amount_minor: "-1000" },
      { side: "debit", amount_minor: "1000" },
    ]);
  });

  it("is one, however often and however many at once ask for it", async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => post()));
    outcomes.push(await post());
    const all = outcomes.map(posted);
    expect(new Set(all.map(({ transfer }) => transfer.id)).size).toBe(1);
    expect(all.filter(({ repeated }) => !repeated)).toHaveLength(1);
    await everywhere([[1_000, epoch]]);
  });

  it("is refused under a key that names another one", async () => {
    await post(1_000);
    const reused = await post(2_500);
    expect(reused).toMatchObject({ kind: "key-reused", transfer: { amountMinor: 1_000 } });
    // Another user's key is another key.
    const other = await ledger.post(DUBLIN, { ...content(2_500), userId: "somebody" });
    expect(other.kind).toBe("posted");
    await everywhere([[1_000, epoch]]);
  });

  it("is none of nothing, of a part of a cent, or within one account", async () => {
    for (const amount of [0, -1, 1.5, Number.NaN, 10 ** 13]) {
      await expect(post(amount)).rejects.toThrow(RangeError);
    }
    const within = { ...content(1), creditAccount: buyerAccount(BUYER) };
    await expect(ledger.post(DUBLIN, within)).rejects.toThrow(RangeError);
    expect(await held()).toEqual([[], [], []]);
  });
});

describe("a retry under the next leader", () => {
  it("finds what a majority had, and vouches for it again", async () => {
    const first = posted(await post());
    await move(DUBLIN);
    const again = posted(await post());
    expect(again).toMatchObject({ repeated: true, place: { regionId: DUBLIN } });
    expect(again.transfer).toEqual({ ...first.transfer, epoch });
    expect(await post(2_500)).toMatchObject({ kind: "key-reused" });
    await everywhere([[1_000, epoch]]);
  });

  it("makes once what only the former leader has, and that one's comes back to nothing", async () => {
    await planet.pauseWorkers();
    expect((await postAlone()).kind).toBe("indeterminate");
    expect((await held()).map((rows) => rows.length)).toEqual([1, 0, 0]);
    await move(DUBLIN);
    expect((await postAlone()).kind).toBe("indeterminate");
    expect((await held()).map((rows) => rows.length)).toEqual([1, 1, 0]);
    await planet.resumeWorkers();
    await everywhere([[1_000, epoch]]);
    expect(posted(await post()).repeated).toBe(true);
    await everywhere([[1_000, epoch]]);
  });

  it("counts with another content too, whatever the former leader's clock said", async () => {
    await planet.pauseWorkers();
    expect((await postAlone(1_000)).kind).toBe("indeterminate");
    await postdate(VIRGINIA, 450);
    await move(DUBLIN);
    expect((await postAlone(2_500)).kind).toBe("indeterminate");
    await planet.resumeWorkers();
    await everywhere([[2_500, epoch]]);
    expect(posted(await post(2_500)).transfer.amountMinor).toBe(2_500);
    expect((await post(1_000)).kind).toBe("key-reused");
    // The one that does not count is kept, for whoever asks.
    const { rows } = await planet
      .region(SINGAPORE)
      .pool.query<{ versions: unknown }>(
        `SELECT versions FROM "Conflict" WHERE "entityType" = 'LedgerTransfer' AND "entityId" = $1`,
        [transferId(BUYER, key)],
      );
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows[0]?.versions)).toContain("1000");
  });

  it("keeps what was acknowledged from two stranded ones, of an earlier and of a later leader", async () => {
    await planet.pauseWorkers();
    // Virginia has 1,000 alone, then Dublin 2,500 alone; then Virginia leads again, and Singapore has it confirmed.
    expect((await postAlone(1_000)).kind).toBe("indeterminate");
    await move(DUBLIN);
    expect((await postAlone(2_500)).kind).toBe("indeterminate");
    await move(VIRGINIA);
    const toDublin = planet.link(SINGAPORE, DUBLIN).postgres;
    await toDublin.cut();
    try {
      await planet.startWorker(VIRGINIA);
      await planet.link(VIRGINIA, DUBLIN).postgres.cut();
      await planet.startWorker(SINGAPORE);
      const acknowledged = posted(await post(1_000));
      expect(acknowledged).toMatchObject({ repeated: true, transfer: { epoch } });
    } finally {
      await toDublin.heal();
      await planet.link(VIRGINIA, DUBLIN).postgres.heal();
    }
    await planet.startWorker(DUBLIN);
    await everywhere([[1_000, epoch]]);
  });
});

describe("the ledger's rows", () => {
  const UPDATES = [
    `"amountMinor" = 1`,
    `"creditAccount" = 'x'`,
    `"orderId" = 'x'`,
    `"deletedAt" = now()`,
    `"createdAt" = now() - interval '1 day'`,
  ];

  it("are not changed and not deleted, by the application or by the owner", async () => {
    const { transfer } = posted(await post());
    const app = new Client({ connectionString: planet.region(VIRGINIA).appUrl });
    const owner = new Client({ connectionString: planet.region(VIRGINIA).directUrl });
    await Promise.all([app.connect(), owner.connect()]);
    try {
      for (const [client, denied] of [
        [app, "42501"],
        [owner, "MR012"],
      ] as const) {
        for (const set of UPDATES) {
          const changed = client.query(`UPDATE "LedgerTransfer" SET ${set} WHERE id = $1`, [
            transfer.id,
          ]);
          await expect(changed, set).rejects.toMatchObject({ code: "MR012" });
        }
        const deleted = client.query(`DELETE FROM "LedgerTransfer" WHERE id = $1`, [transfer.id]);
        await expect(deleted).rejects.toMatchObject({ code: expect.stringMatching(/MR0|42501/) });
        const emptied = client.query(`TRUNCATE "LedgerTransfer"`);
        await expect(emptied).rejects.toMatchObject({
          code: expect.stringMatching(`${denied}|MR002`),
        });
      }
      for (const sql of [
        "INSERT INTO mr.ledger_balance VALUES ('x', 0, 1, 0)",
        "UPDATE mr.ledger_balance SET debits = 0",
        "SET ROLE mr_apply",
      ]) {
        await expect(app.query(sql), sql).rejects.toMatchObject({ code: "42501" });
      }
      // With its other triggers switched off, too.
      await owner.query("SET session_replication_role = replica");
      for (const sql of [
        `UPDATE "LedgerTransfer" SET "amountMinor" = 1`,
        `DELETE FROM "LedgerTransfer"`,
      ]) {
        await expect(owner.query(sql), sql).rejects.toMatchObject({ code: "MR012" });
      }
    } finally {
      await Promise.all([app.end(), owner.end()]);
    }
    await everywhere([[1_000, epoch]]);
  });

  it("say which leader vouches for them, whatever their writer says", async () => {
    const id = randomUUID();
    await planet.region(VIRGINIA).pool.query(
      `INSERT INTO "LedgerTransfer" (id, key, "userId", "debitAccount", "creditAccount", "amountMinor", vouched)
       VALUES ($1, $2, $3, 'a', 'b', 5, '9999999999999999999 0 {}')`,
      [id, key, BUYER],
    );
    await everywhere([[5, epoch]]);
  });
});
