import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { askRegion, type RegionAnswer } from "@/lib/region-answer";
import type { RepairCheck } from "@/lib/repair-check-shape";

/* Comparing all regions: asked for in the vantage's database, done by its worker. */

/** The newest one that was asked for here; null: none ever was. */
export function readNewestCheck(vantage: RegionId): Promise<RegionAnswer<RepairCheck | null>> {
  const read = async () => {
    const [row] = await multiRegionDb.from(vantage).getWriteClient(vantage).$queryRaw<
      { newest: RepairCheck | null }[]
    >`SELECT mr.newest_check() AS newest`;
    return row?.newest ?? null;
  };
  return askRegion(read());
}

/**
 * Asks for one, unless one is under way.
 *
 * @param by a user's id, for the audit
 */
export function requestCheck(vantage: RegionId, by: string): Promise<RegionAnswer<string>> {
  const ask = async () => {
    const [row] = await multiRegionDb.from(vantage).getWriteClient(vantage).$queryRaw<
      { id: string }[]
    >`SELECT mr.request_check(${by})::text AS id`;
    if (!row) throw new Error("No answer to mr.request_check");
    return row.id;
  };
  return askRegion(ask());
}
