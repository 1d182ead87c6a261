import { GlobalInventoryManager } from "@/lib/ecommerce/inventory";
import { HOLD_SECONDS } from "@/lib/ecommerce/types";
import type { RegionId } from "@/lib/db/regions/region-id";
import { within } from "@/lib/db/regions/faults";
import { client, CLIENT_WAIT_MS, detailOf, newName, stampOf, type World } from "../world";

export const PRODUCT = "chaos-product";

/** For a drill of some minutes: it is sold out before its end, so that regions fight over the last units. */
export const STOCK = 150;

const PAUSE_MS = 600;
const MOST_UNITS = 3;
const BUYER = "chaos-buyer";

/** Buyers in every region: some buy what they reserve, some give it back, and some leave it. */
export function sell(world: World): Promise<void> {
  const shop = new GlobalInventoryManager(world.runtime);
  const clients = world.regions.map((vantage) =>
    client(world, PAUSE_MS, () => reserve(world, shop, vantage)),
  );
  return Promise.all(clients).then(() => undefined);
}

async function reserve(
  world: World,
  shop: GlobalInventoryManager,
  vantage: RegionId,
): Promise<void> {
  const { history, random } = world;
  const key = newName("reservation");
  const quantity = 1 + Math.floor(random() * MOST_UNITS);
  const called = history.invoke("inventory/reserve", vantage, { key, quantity });
  try {
    const reserving = shop.reserveInventory(PRODUCT, quantity, BUYER, vantage, {
      key,
      holdSeconds: HOLD_SECONDS.max,
    });
    const outcome = await within(CLIENT_WAIT_MS, reserving);
    // A region that did not answer in time may have taken it before another one said that nothing is left.
    if (outcome.kind !== "reserved") return called.info(outcome.kind);
    const { id: reservation, regionId: region } = outcome.reservation;
    called.ok({ ...stampOf(outcome.stamp), reservation, region });
    const share = random();
    if (share > 0.8) return;
    const to = share < 0.25 ? "confirmed" : "released";
    await settle(world, shop, { reservation, region, quantity, vantage, to });
  } catch (error) {
    called.info(detailOf(error));
  }
}

async function settle(
  { history }: World,
  shop: GlobalInventoryManager,
  what: {
    reservation: string;
    region: RegionId;
    quantity: number;
    vantage: RegionId;
    to: "confirmed" | "released";
  },
): Promise<void> {
  const { reservation, region, quantity, vantage, to } = what;
  const called = history.invoke("inventory/settle", vantage, { reservation, quantity, to });
  try {
    const settling: ReturnType<GlobalInventoryManager["confirmReservation"]> =
      to === "confirmed"
        ? shop.confirmReservation(reservation, BUYER, region, vantage)
        : shop.releaseReservation(reservation, BUYER, region, vantage);
    const outcome = await within(CLIENT_WAIT_MS, settling);
    if (outcome.kind !== "settled") return called.info(outcome.kind);
    const held = outcome.confirmation?.kind === "held";
    called.ok({ ...stampOf(outcome.stamp), status: outcome.reservation.status, held });
  } catch (error) {
    called.info(detailOf(error));
  }
}
