import { REGIONS } from "@/lib/db/multi-region-config";
import { withReadYourWrites, type ReadLevel } from "@/lib/db/read-your-writes";
import type { Answer } from "@/lib/documents/read";
import type { Actor } from "@/lib/documents/types";
import { listInventory, listReservations, toInventory, toReservation } from "./statements";
import type { GlobalInventory, Reservation } from "./types";

export interface InventoryPage {
  products: GlobalInventory[];
  /** The reader's own, newest first. */
  reservations: Reservation[];
}

export async function readInventory(
  actor: Actor,
  level?: ReadLevel,
): Promise<Answer<InventoryPage>> {
  const { data, receipt } = await withReadYourWrites(
    actor.userId,
    async (db) => {
      const [products, reservations] = await Promise.all([
        listInventory(db),
        listReservations(db, actor.userId),
      ]);
      return { products, reservations };
    },
    { vantage: actor.vantage, token: actor.token, level, of: "Product" },
  );
  const regions = REGIONS.map(({ id }) => id);
  return {
    value: {
      products: data.products.map((row) => toInventory(row, regions)),
      reservations: data.reservations.map(toReservation),
    },
    receipt,
  };
}
