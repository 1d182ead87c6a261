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

/** How the names of all products begin. */
export const PRODUCT = "chaos-product";

/** Of each product: sold out soon, so that regions fight over the last units; half of it is never sold, and comes back. */
export const STOCK = 120;

/**
 * Refusals one after the other until another product is sold. Each database that is replaced leaves behind some rights that
 * nobody takes over (docs/INVENTORY.md): in the end there is nothing left that anybody may sell.
 */
const PATIENCE = 12;

const PAUSE_MS = 600;
const MOST_UNITS = 3;
const BUYER = "chaos-buyer";

interface Reserved {
  reservation: string;
  region: RegionId;
  quantity: number;
}

/** Buyers in every region: some buy what they reserve, some give it back, and some keep it until there is nothing left. */
export function sell(world: World): Promise<void> {
  const shop = new Shop(world);
  const clients = world.regions.map((vantage) =>
    client(world, PAUSE_MS, () => shop.reserve(vantage)),
  );
  return Promise.all(clients).then(() => undefined);
}

class Shop {
  private readonly manager: GlobalInventoryManager;
  private readonly kept: Reserved[] = [];
  private readonly bought = new Map<string, number>();
  private product = PRODUCT;
  private products = 1;
  private refusals = 0;

  constructor(private readonly world: World) {
    this.manager = new GlobalInventoryManager(world.runtime);
  }

  async reserve(vantage: RegionId): Promise<void> {
    const { history, random } = this.world;
    const key = newName("reservation");
    const quantity = 1 + Math.floor(random() * MOST_UNITS);
    const { product } = this;
    const called = history.invoke("inventory/reserve", vantage, { product, key, quantity });
    try {
      const reserving = this.manager.reserveInventory(product, quantity, BUYER, vantage, {
        key,
        holdSeconds: HOLD_SECONDS.max,
      });
      const outcome = await within(CLIENT_WAIT_MS, reserving);
      // A region that did not answer in time may have taken it before another one said that nothing is left.
      if (outcome.kind !== "reserved") {
        called.info(outcome.kind);
        const oldest = this.kept.shift();
        if (oldest) await this.settle(vantage, oldest, "released");
        else if (++this.refusals > PATIENCE) await this.offerAnother(vantage);
        return;
      }
      this.refusals = 0;
      const { id: reservation, regionId: region } = outcome.reservation;
      called.ok({ ...stampOf(outcome.stamp), reservation, region });
      const reserved = { reservation, region, quantity };
      const share = random();
      const bought = (this.bought.get(product) ?? 0) + quantity;
      if (share > 0.8) this.kept.push(reserved);
      else if (share > 0.2 || bought > STOCK / 2) await this.settle(vantage, reserved, "released");
      else {
        this.bought.set(product, bought);
        await this.settle(vantage, reserved, "confirmed");
      }
    } catch (error) {
      called.info(detailOf(error));
    }
  }

  /** Under a name that has not been used: one that was not answered may be there. */
  private async offerAnother(vantage: RegionId): Promise<void> {
    this.refusals = 0;
    const id = `${PRODUCT}-${++this.products}`;
    const { clients } = this.world.runtime();
    const offered = clients
      .write(vantage, vantage)
      .product.create({ data: { id, name: id, stock: STOCK }, select: { id: true } });
    await within(CLIENT_WAIT_MS, offered).then(
      () => (this.product = id),
      // As many refusals later there is a next one.
      () => undefined,
    );
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
