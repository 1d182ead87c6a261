export const FLASH_SALE = {
  /** Buyers of each region, at once; each takes one unit. */
  buyersPerRegion: 20,
  /** What is not confirmed goes back after so long, in seconds. */
  holdSeconds: 30,
} as const;

export interface RegionSales {
  regionId: string;
  /** From this region's own rights, without asking another one. */
  local: number;
  /** Its own did not suffice: another region sold. */
  elsewhere: number;
  soldOut: number;
  unavailable: number;
}

export interface FlashSaleResult {
  regions: RegionSales[];
  elapsedMs: number;
}
