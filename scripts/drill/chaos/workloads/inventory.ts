import { GlobalInventoryManager } from "@/lib/ecommerce/inventory";
import { HOLD_SECONDS } from "@/lib/ecommerce/types";
import type { RegionId } from "@/lib/db/regions/region-id";
import { within } from "@/lib/db/regions/faults";
import {
  client,
  CLIENT_WAIT_MS,
  detailOf,
  newName,
  stampOf,
  type World,
} from "@/scripts/drill/chaos/world";

export const PRODUCT = "chaos-product";

/**
 * Sold out soon, so that regions fight over the last units; half of it is never sold, and comes back. Each database that is
 * replaced leaves behind some rights that nobody takes over (docs/INVENTORY.md), so that a long drill needs more.
 */
export const stockFor = (minutes: number): number => 100 + 20 * Math.ceil(minutes);

const PAUSE_MS = 600;
const MOST_UNITS = 3;
const BUYER = "chaos-buyer";

interface Reserved {
  reservation: string;
  region: RegionId;
  quantity: number;
}

/** Buyers in every region: some buy what they reserve, some give it back, and some keep it until there is nothing left. */
export function sell(world: World, stock: number): Promise<void> {
  const shop = new Shop(world, stock);
  const clients = world.regions.map((vantage) =>
    client(world, PAUSE_MS, () => shop.reserve(vantage)),
  );
  return Promise.all(clients).then(() => undefined);
}

class Shop {
  private readonly manager: GlobalInventoryManager;
  private readonly kept: Reserved[] = [];
  private bought = 0;

  constructor(
    private readonly world: World,
    private readonly stock: number,
  ) {
    this.manager = new GlobalInventoryManager(world.runtime);
  }

  async reserve(vantage: RegionId): Promise<void> {
    const { history, random } = this.world;
    const key = newName("reservation");
    const quantity = 1 + Math.floor(random() * MOST_UNITS);
    const called = history.invoke("inventory/reserve", vantage, { key, quantity });
    try {
      const reserving = this.manager.reserveInventory(PRODUCT, quantity, BUYER, vantage, {
        key,
        holdSeconds: HOLD_SECONDS.max,
      });
      const outcome = await within(CLIENT_WAIT_MS, reserving);
      // A region that did not answer in time may have taken it before another one said that nothing is left.
      if (outcome.kind !== "reserved") {
        called.info(outcome.kind);
        const oldest = this.kept.shift();
        if (oldest) await this.settle(vantage, oldest, "released");
        return;
      }
      const { id: reservation, regionId: region } = outcome.reservation;
      called.ok({ ...stampOf(outcome.stamp), reservation, region });
      const reserved = { reservation, region, quantity };
      const share = random();
      if (share > 0.8) this.kept.push(reserved);
      else if (share > 0.2 || this.bought + quantity > this.stock / 2)
        await this.settle(vantage, reserved, "released");
      else {
        this.bought += quantity;
        await this.settle(vantage, reserved, "confirmed");
      }
    } catch (error) {
      called.info(detailOf(error));
    }
  }

  private async settle(
    vantage: RegionId,
    { reservation, region, quantity }: Reserved,
    to: "confirmed" | "released",
  ): Promise<void> {
    const { manager } = this;
    const call = { reservation, quantity, to };
    const called = this.world.history.invoke("inventory/settle", vantage, call);
    try {
      const settling: ReturnType<GlobalInventoryManager["confirmReservation"]> =
        to === "confirmed"
          ? manager.confirmReservation(reservation, BUYER, region, vantage)
          : manager.releaseReservation(reservation, BUYER, region, vantage);
      const outcome = await within(CLIENT_WAIT_MS, settling);
      if (outcome.kind !== "settled") return called.info(outcome.kind);
      const held = outcome.confirmation?.kind === "held";
      called.ok({ ...stampOf(outcome.stamp), status: outcome.reservation.status, held });
    } catch (error) {
      called.info(detailOf(error));
    }
  }
}
