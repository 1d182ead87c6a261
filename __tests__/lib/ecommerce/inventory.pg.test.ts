import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import type { RegionId } from "@/lib/db/multi-region-config";
import { GlobalInventoryManager } from "@/lib/ecommerce/inventory";
import { ReservationExpirer } from "@/lib/ecommerce/reservation-expirer";
import { RightsBalancer } from "@/lib/ecommerce/rights-balancer";
import type { ReserveOutcome } from "@/lib/ecommerce/types";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const BUYER = "buyer";

let planet: TestPlanet;
let products = 0;
let product: string;
let shop: GlobalInventoryManager;

beforeAll(async () => {
  planet = await startTestPlanet({ count: 2 });
  await planet.startWorkers();
  const runtime = planet.runtime(US);
  shop = new GlobalInventoryManager(() => runtime);
});
afterAll(() => planet.stop());

/** A product of 10 units, of which both regions hold 5 rights. */
beforeEach(async () => {
  product = `product-${products++}`;
  await planet
    .region(US)
    .pool.query(`INSERT INTO "Product" (id, name, stock) VALUES ($1, 'Globe', 10)`, [product]);
  await waitForConvergence(planet.regions);
  expect(await balancer(EU).balance()).toBe(5);
  await waitForConvergence(planet.regions);
});

function balancer(region: RegionId): RightsBalancer {
  const runtime = planet.runtime(region);
  return new RightsBalancer(region, () => runtime);
}

const inventory = (region: RegionId) => shop.getGlobalInventory(product, region);

async function cut(isCut: boolean): Promise<void> {
  for (const { postgres, redis } of [planet.link(US, EU), planet.link(EU, US)]) {
    for (const proxy of [postgres, redis]) await (isCut ? proxy?.cut() : proxy?.heal());
  }
}

function reservationOf(outcome: ReserveOutcome) {
  if (outcome.kind !== "reserved") throw new Error(outcome.kind);
  return outcome.reservation;
}

describe("a stock that two regions sell from", () => {
  it("is the sum of what each may sell, not of replicas", async () => {
    for (const region of planet.ids) {
      expect(await inventory(region)).toEqual({
        productId: product,
        name: "Globe",
        priceMinor: 1_000,
        total: 10,
        byRegion: { [US]: 5, [EU]: 5 },
        reserved: 0,
        sold: 0,
      });
    }
  });

  it("is reserved from where the buyer is, and sold", async () => {
    const held = reservationOf(await shop.reserveInventory(product, 2, BUYER, EU));
    expect(held).toMatchObject({ regionId: EU, status: "held", quantity: 2 });
    expect(await inventory(EU)).toMatchObject({ total: 8, reserved: 2, sold: 0 });
    const sold = await shop.confirmReservation(held.id, BUYER, EU);
    expect(sold).toMatchObject({ kind: "settled", reservation: { status: "confirmed" } });
    expect(sold.confirmation?.kind).toBe("held");
    await waitForConvergence(planet.regions);
    for (const region of planet.ids) {
      expect(await inventory(region)).toMatchObject({ total: 8, reserved: 0, sold: 2 });
    }
  });

  it("asks the region that has the right where the buyer's has too few", async () => {
    expect(await shop.reserveInventory(product, 4, BUYER, EU)).toMatchObject({
      reason: "nearest",
    });
    const other = await shop.reserveInventory(product, 4, BUYER, EU);
    expect(other).toMatchObject({
      kind: "reserved",
      reason: "redirected-rights",
      reservation: { regionId: US },
    });
    // Two units are free, and no region may sell both.
    expect(await shop.reserveInventory(product, 2, BUYER, EU)).toEqual({ kind: "sold-out" });
    await waitForConvergence(planet.regions);
    expect(await inventory(EU)).toMatchObject({ total: 2, byRegion: { [US]: 1, [EU]: 1 } });
  });

  it("is not oversold while the regions cannot hear each other", async () => {
    await cut(true);
    try {
      const attempts = [US, EU].flatMap((region) => {
        // Each vantage reaches its own region alone.
        const runtime = planet.runtime(region);
        const here = new GlobalInventoryManager(() => runtime);
        return Array.from({ length: 9 }, () => here.reserveInventory(product, 1, BUYER, region));
      });
      const outcomes = await Promise.all(attempts);
      expect(outcomes.filter(({ kind }) => kind === "reserved")).toHaveLength(10);
      expect(outcomes.filter(({ kind }) => kind === "sold-out")).toHaveLength(8);
    } finally {
      await cut(false);
    }
    await waitForConvergence(planet.regions, 30_000);
    for (const region of planet.ids) {
      expect(await inventory(region)).toMatchObject({
        total: 0,
        byRegion: { [US]: 0, [EU]: 0 },
        reserved: 10,
      });
    }
  });

  it("knows no product that is not there, and no quantity that is none", async () => {
    expect(await shop.reserveInventory("nothing", 1, BUYER, US)).toEqual({
      kind: "unknown-product",
    });
    for (const quantity of [0, -1, 1.5, Number.NaN, 1_001]) {
      await expect(shop.reserveInventory(product, quantity, BUYER, US)).rejects.toThrow(RangeError);
    }
    expect(await inventory(US)).toMatchObject({ total: 10 });
  });
});

describe("a reservation", () => {
  it("is one, however often it is asked for under its key", async () => {
    const key = "order-1";
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, () => shop.reserveInventory(product, 1, BUYER, US, { key })),
    );
    const ids = new Set(outcomes.map((outcome) => reservationOf(outcome).id));
    expect(ids.size).toBe(1);
    expect(await inventory(US)).toMatchObject({ total: 9, reserved: 1 });
    // In another region too, once it has heard of it.
    await waitForConvergence(planet.regions);
    const elsewhere = await shop.reserveInventory(product, 1, BUYER, EU, { key });
    expect(ids).toContain(reservationOf(elsewhere).id);
    // Another buyer's key is another key.
    const other = await shop.reserveInventory(product, 1, "somebody", US, { key });
    expect(ids).not.toContain(reservationOf(other).id);
  });

  it("is settled once, by its buyer, where it is held", async () => {
    const { id } = reservationOf(await shop.reserveInventory(product, 3, BUYER, US));
    await waitForConvergence(planet.regions);
    const unknown = { kind: "unknown-reservation" };
    expect(await shop.releaseReservation(id, "somebody", US)).toEqual(unknown);
    expect(await shop.releaseReservation(id, BUYER, EU)).toEqual(unknown);
    const settled = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        n % 2 === 0
          ? shop.releaseReservation(id, BUYER, US)
          : shop.confirmReservation(id, BUYER, US),
      ),
    );
    const states = new Set(
      settled.map((outcome) => outcome.kind === "settled" && outcome.reservation.status),
    );
    expect(states.size).toBe(1);
    const sold = states.has("confirmed") ? 3 : 0;
    expect(await inventory(US)).toMatchObject({ total: 10 - sold, reserved: 0, sold });
  });

  it("goes back once it has expired, in its own region alone, and only once", async () => {
    const kept = reservationOf(await shop.reserveInventory(product, 1, BUYER, US));
    const { id } = reservationOf(await shop.reserveInventory(product, 4, BUYER, US));
    await waitForConvergence(planet.regions);
    const us = planet.region(US).pool;
    await us.query(
      `UPDATE "Reservation" SET "expiresAt" = now() - interval '1 second' WHERE id = $1`,
      [id],
    );
    await waitForConvergence(planet.regions);
    const expire = (region: RegionId) =>
      new ReservationExpirer(planet.region(region).pool).expire();
    expect(await expire(EU)).toBe(0);
    const ended = await Promise.all([expire(US), expire(US), expire(US)]);
    expect(ended.reduce((sum, count) => sum + count)).toBe(1);
    expect(await inventory(US)).toMatchObject({ total: 9, reserved: 1 });
    // Too late to be bought.
    expect(await shop.confirmReservation(id, BUYER, US)).toMatchObject({
      reservation: { status: "expired" },
    });
    expect(await shop.confirmReservation(kept.id, BUYER, US)).toMatchObject({
      reservation: { status: "confirmed" },
    });
    await waitForConvergence(planet.regions);
    expect(await inventory(EU)).toMatchObject({ total: 9, reserved: 0, sold: 1 });
  });

  it("that has run out is not sold, whether or not a worker has noticed", async () => {
    const { id } = reservationOf(await shop.reserveInventory(product, 2, BUYER, US));
    await planet
      .region(US)
      .pool.query(`UPDATE "Reservation" SET "expiresAt" = now() WHERE id = $1`, [id]);
    expect(await shop.confirmReservation(id, BUYER, US)).toMatchObject({
      reservation: { status: "expired" },
    });
    expect(await inventory(US)).toMatchObject({ total: 10, reserved: 0, sold: 0 });
  });
});

describe("rights", () => {
  it("are asked for once while they are on their way", async () => {
    await shop.reserveInventory(product, 5, BUYER, EU);
    const eu = balancer(EU);
    await planet.pauseWorkers();
    try {
      // The region that gives has 5 more.
      expect(await eu.balance()).toBe(2);
      expect(await eu.balance()).toBe(0);
      expect(await inventory(US)).toMatchObject({ byRegion: { [US]: 3, [EU]: 7 } });
    } finally {
      await planet.resumeWorkers();
    }
    await waitForConvergence(planet.regions);
    expect(await inventory(EU)).toMatchObject({ total: 5, byRegion: { [US]: 3, [EU]: 2 } });
    await waitFor(async () => (await eu.balance()) === 0, { what: "no more to be asked for" });
  });

  it("stay where they are while nobody answers, and no one makes any", async () => {
    await shop.reserveInventory(product, 5, BUYER, EU);
    const link = planet.link(EU, US).postgres;
    const eu = balancer(EU);
    await link.cut();
    try {
      expect(await eu.balance()).toBe(0);
    } finally {
      await link.heal();
    }
    await waitForConvergence(planet.regions, 30_000);
    const seen = await inventory(US);
    expect(seen?.total).toBe(5);
    expect(Object.values(seen?.byRegion ?? {}).reduce((sum, rights) => sum + rights)).toBe(5);
  });
});
