import { randomUUID } from "node:crypto";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";
import { FLASH_SALE, type FlashSaleResult, type RegionSales } from "./flash-sale-shape";
import { GlobalInventoryManager } from "./inventory";

/** No account: what it reserves is in nobody's list. */
const CROWD = "flash-sale";

/** A crowd that buys the same thing in every region at the same moment. Reserves only. */
export async function runFlashSale(
  productId: string,
  runtime: () => Runtime = defaultRuntime,
): Promise<FlashSaleResult> {
  const manager = new GlobalInventoryManager(runtime);
  const sale = randomUUID();
  const startedMs = performance.now();
  const regions = await Promise.all(
    regionIds(runtime().topology).map(async (regionId): Promise<RegionSales> => {
      const sales = { regionId, local: 0, elsewhere: 0, soldOut: 0, unavailable: 0 };
      const buyers = Array.from({ length: FLASH_SALE.buyersPerRegion }, async (_, n) => {
        const outcome = await manager.reserveInventory(productId, 1, CROWD, regionId, {
          key: `${sale}/${regionId}/${n}`,
          holdSeconds: FLASH_SALE.holdSeconds,
        });
        if (outcome.kind === "reserved")
          sales[outcome.reason === "nearest" ? "local" : "elsewhere"] += 1;
        else sales[outcome.kind === "sold-out" ? "soldOut" : "unavailable"] += 1;
      });
      await Promise.all(buyers);
      return sales;
    }),
  );
  return { regions, elapsedMs: Math.round(performance.now() - startedMs) };
}
