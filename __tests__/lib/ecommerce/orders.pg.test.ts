import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { lead } from "@/__tests__/support/lead";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import type { RegionId } from "@/lib/db/multi-region-config";
import type { Runtime } from "@/lib/db/regions/runtime";
import { GlobalInventoryManager } from "@/lib/ecommerce/inventory";
import { findBalance, listEntries, readTrialBalance } from "@/lib/ecommerce/ledger-statements";
import { Ledger } from "@/lib/ecommerce/ledger";
import { buyerAccount, SALES_ACCOUNT } from "@/lib/ecommerce/ledger-types";
import { OrderSettler } from "@/lib/ecommerce/order-settler";
import { listOrders } from "@/lib/ecommerce/order-statements";
import type { OrderOutcome } from "@/lib/ecommerce/order-types";
import { OrderDesk, orderId } from "@/lib/ecommerce/orders";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1" as RegionId;

let planet: TestPlanet;
let runtime: Runtime;
let shop: GlobalInventoryManager;
let desk: OrderDesk;
let buyer: string;
let key: string;
let product: string;
let epoch = 1;

beforeAll(async () => {
  planet = await startTestPlanet({ count: 2 });
  runtime = planet.runtime(DUBLIN);
  shop = new GlobalInventoryManager(() => runtime);
  desk = new OrderDesk(() => runtime);
  await planet.startWorkers();
});
afterAll(() => planet.stop());
/** Virginia leads, and the product of 10 units at 12.50 is sold from Dublin. */
beforeEach(async () => {
  vi.restoreAllMocks();
  [buyer, key, product] = [randomUUID(), randomUUID(), randomUUID()];
  await move(VIRGINIA);
  await planet
    .region(DUBLIN)
    .pool.query(
      `INSERT INTO "Product" (id, name, stock, "priceMinor") VALUES ($1, 'Globe', 10, 1250)`,
      [product],
    );
  await waitForConvergence(planet.regions);
});

async function move(region: RegionId): Promise<void> {
  await lead(planet, region, (epoch += 1));
  const known = () => Promise.all(planet.ids.map((id) => runtime.state.refresh(DUBLIN, id)));
  // On a busy machine a connection takes its time.
  await waitFor(() => known().catch(() => null), { timeoutMs: 20_000, what: "who leads" });
}

async function reserve(quantity = 2): Promise<string> {
  const outcome = await shop.reserveInventory(product, quantity, buyer, DUBLIN);
  if (outcome.kind !== "reserved") throw new Error(outcome.kind);
  expect(outcome.reservation.regionId).toBe(DUBLIN);
  return outcome.reservation.id;
}

const place = (reservationId: string, under = key) =>
  desk.place(DUBLIN, { userId: buyer, key: under, reservationId, regionId: DUBLIN });

function receipt(outcome: OrderOutcome) {
  if (!("transfer" in outcome)) throw new Error(JSON.stringify(outcome));
  return outcome;
}

const leader = (region: RegionId = VIRGINIA) => runtime.clients.write(DUBLIN, region);

/** What of the order there is: the buyer's balance in cents, units sold, and how the order stands. */
async function state(region: RegionId = VIRGINIA) {
  const [balance, orders, inventory] = await Promise.all([
    findBalance(leader(region), buyerAccount(buyer)),
    listOrders(leader(region), buyer),
    shop.getGlobalInventory(product, DUBLIN),
  ]);
  return {
    balance: balance.balanceMinor,
    sold: inventory?.sold,
    free: inventory?.total,
    orders: orders.map(({ status }) => status).sort(),
  };
}

async function balanced(): Promise<void> {
  await waitForConvergence(planet.regions, 20_000);
  for (const id of planet.ids) {
    expect(await readTrialBalance(leader(id))).toMatchObject({ sumMinor: 0, wrong: 0 });
  }
}

const settler = (region: RegionId = VIRGINIA) =>
  new OrderSettler(region, planet.region(region).pool, () => runtime, { olderThanMs: 0 });

/** The process ends here, as far as the order is concerned. */
const DIED = new Error("died");

describe("an order", () => {
  it("sells what is reserved, in the region that holds it, and is paid in the ledger", async () => {
    const placed = receipt(await place(await reserve()));
    expect(placed).toMatchObject({
      kind: "placed",
      order: { id: orderId(buyer, key), amountMinor: 2_500, regionId: DUBLIN, quantity: 2 },
      transfer: { creditAccount: SALES_ACCOUNT, amountMinor: 2_500 },
      place: { regionId: VIRGINIA, confirmation: { kind: "held" } },
    });
    await balanced();
    expect(await state()).toEqual({ balance: 2_500, sold: 2, free: 8, orders: ["placed"] });
    const entries = await listEntries(leader(), [placed.order.id]);
    expect(entries.map(({ account, amountMinor }) => [account, amountMinor])).toEqual([
      [buyerAccount(buyer), 2_500],
      [SALES_ACCOUNT, -2_500],
    ]);
    // Closed in the same transaction as it was paid.
    const { rows } = await planet.region(DUBLIN).pool.query<{ together: boolean }>(
      `SELECT o.position = t.position AND o."closedAt" IS NOT NULL AS together
       FROM "Order" o JOIN "LedgerTransfer" t ON t.id = o."paymentId" WHERE o.id = $1`,
      [placed.order.id],
    );
    expect(rows).toEqual([{ together: true }]);
  });

  it("is one, and its receipt the same, however often and however many at once place it", async () => {
    const reservation = await reserve();
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => place(reservation)));
    outcomes.push(await place(reservation));
    expect(new Set(outcomes.map((each) => receipt(each).transfer.id)).size).toBe(1);
    expect(outcomes.filter(({ kind }) => kind === "placed")).toHaveLength(1);
    expect(await state()).toMatchObject({ balance: 2_500, sold: 2, orders: ["placed"] });
    await balanced();
  });

  it("has its receipt under the next leader too", async () => {
    const reservation = await reserve();
    const first = receipt(await place(reservation));
    await move(DUBLIN);
    const again = receipt(await place(reservation));
    expect(again).toMatchObject({ kind: "already-placed", place: { regionId: DUBLIN } });
    expect(again.transfer).toEqual({ ...first.transfer, epoch });
    expect(await state(DUBLIN)).toMatchObject({ balance: 2_500, orders: ["placed"] });
  });

  it("is refused under a key that names another one", async () => {
    await place(await reserve(1));
    const other = await reserve(1);
    expect(await place(other)).toEqual({ kind: "refused", reason: "key-reused" });
    expect(await state()).toMatchObject({ balance: 1_250, sold: 1 });
  });

  it("is paid once for each reservation, under however many keys it is placed at once", async () => {
    const reservation = await reserve();
    const outcomes = await Promise.all(
      [key, randomUUID(), randomUUID()].map((each) => place(reservation, each)),
    );
    expect(outcomes.filter(({ kind }) => kind === "placed")).toHaveLength(1);
    const refusals = outcomes.filter(({ kind }) => kind === "refused");
    expect(refusals).toEqual(Array(2).fill({ kind: "refused", reason: "reservation-ordered" }));
    expect(await state()).toMatchObject({
      balance: 2_500,
      sold: 2,
      orders: ["placed", "refused", "refused"],
    });
  });

  it("is refused where nothing is reserved, or not any more", async () => {
    const reservation = await reserve();
    const unknown = { kind: "refused", reason: "unknown-reservation" };
    const somebody = { userId: "somebody", key, reservationId: reservation, regionId: DUBLIN };
    expect(await desk.place(DUBLIN, somebody)).toEqual(unknown);
    expect(await place("nothing")).toEqual(unknown);
    await shop.releaseReservation(reservation, buyer, DUBLIN);
    expect(await place(reservation)).toEqual({ kind: "refused", reason: "reservation-over" });
    expect(await state()).toEqual({ balance: 0, sold: 0, free: 10, orders: [] });
  });
});

describe("an order that was left between two steps", () => {
  async function diesBeforeConfirming(reservation: string): Promise<void> {
    vi.spyOn(GlobalInventoryManager.prototype, "confirmReservation").mockRejectedValueOnce(DIED);
    await expect(place(reservation)).rejects.toBe(DIED);
  }

  async function diesBeforePaying(reservation: string): Promise<void> {
    vi.spyOn(Ledger.prototype, "post").mockRejectedValueOnce(DIED);
    await expect(place(reservation)).rejects.toBe(DIED);
  }

  it.each([
    ["before the reservation was confirmed", diesBeforeConfirming, 0],
    ["before it was paid", diesBeforePaying, 2],
  ])("%s is settled by a retry with its key", async (_, dies, sold) => {
    const reservation = await reserve();
    await dies(reservation);
    await waitForConvergence(planet.regions);
    expect(await state()).toMatchObject({ balance: 0, sold, orders: ["unsettled"] });
    expect(receipt(await place(reservation)).kind).toBe("placed");
    expect(receipt(await place(reservation)).kind).toBe("already-placed");
    expect(await state()).toEqual({ balance: 2_500, sold: 2, free: 8, orders: ["placed"] });
    await balanced();
  });

  it.each([
    ["before the reservation was confirmed", diesBeforeConfirming],
    ["before it was paid", diesBeforePaying],
  ])("%s is settled by the leading region's worker, and by no other", async (_, dies) => {
    const reservation = await reserve();
    await dies(reservation);
    expect(await settler(DUBLIN).settle()).toBe(0);
    const settled = await Promise.all([settler().settle(), settler().settle()]);
    expect(Math.max(...settled)).toBe(1);
    expect(await settler().settle()).toBe(0);
    expect(receipt(await place(reservation)).kind).toBe("already-placed");
    expect(await state()).toEqual({ balance: 2_500, sold: 2, free: 8, orders: ["placed"] });
    await balanced();
  });

  it("is settled by the next leader's worker", async () => {
    await diesBeforePaying(await reserve());
    await waitForConvergence(planet.regions);
    await move(DUBLIN);
    expect(await settler(DUBLIN).settle()).toBe(1);
    expect(await state(DUBLIN)).toMatchObject({ balance: 2_500, sold: 2, orders: ["placed"] });
  });

  it("comes to nothing once its reservation has expired, and is not looked at again", async () => {
    const reservation = await reserve();
    await diesBeforeConfirming(reservation);
    await planet
      .region(DUBLIN)
      .pool.query(`UPDATE "Reservation" SET "expiresAt" = now() WHERE id = $1`, [reservation]);
    expect(await settler().settle()).toBe(1);
    expect(await settler().settle()).toBe(0);
    await balanced();
    expect(await state()).toEqual({ balance: 0, sold: 0, free: 10, orders: ["refused"] });
    expect(await place(reservation)).toEqual({ kind: "refused", reason: "reservation-over" });
  });

  it("is indeterminate while its reservation's region is away, and settled when that is back", async () => {
    const reservation = await reserve();
    await diesBeforeConfirming(reservation);
    const far = planet.runtime(VIRGINIA);
    const from = new OrderDesk(() => far);
    const link = planet.link(VIRGINIA, DUBLIN).postgres;
    await link.cut();
    const order = { userId: buyer, key, reservationId: reservation, regionId: DUBLIN };
    try {
      expect(await from.place(VIRGINIA, order)).toMatchObject({
        kind: "indeterminate",
        step: "reservation",
        key,
      });
      // One that was not recorded: nothing is written for it.
      const other = await from.place(VIRGINIA, { ...order, key: randomUUID() });
      expect(other.kind).toBe("unavailable");
    } finally {
      await link.heal();
    }
    expect(receipt(await place(reservation)).kind).toBe("placed");
    // From where its region cannot be reached, the ledger is asked: only a majority is still missing.
    await waitForConvergence(planet.regions);
    await link.cut();
    try {
      expect(await from.place(VIRGINIA, order)).toMatchObject({
        kind: "indeterminate",
        step: "payment",
      });
    } finally {
      await link.heal();
    }
  });
});
