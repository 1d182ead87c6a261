import { BOARD_PAGE } from "@/lib/gaming/board-shape";

/** Which part of which board: in the address, so that it can be sent to somebody. */
export interface BoardQuery {
  /** Null: the global board. */
  regionId: string | null;
  /** From 1. */
  page: number;
}

type Parameter = string | string[] | undefined;

/** From an address that anybody can write: what is no region or no page is the first one. Pure. */
export function parseBoardQuery(
  parameters: { region?: Parameter; page?: Parameter },
  regions: readonly { id: string }[],
): BoardQuery {
  const { region, page } = parameters;
  const known = regions.find(({ id }) => id === region);
  const number = typeof page === "string" && /^[1-9]$/.test(page) ? Number(page) : 1;
  return { regionId: known?.id ?? null, page: Math.min(number, BOARD_PAGE.pages) };
}

export function boardAddress({ regionId, page }: BoardQuery): string {
  const query = new URLSearchParams();
  if (regionId !== null) query.set("region", regionId);
  if (page > 1) query.set("page", String(page));
  const text = query.toString();
  return text === "" ? "/leaderboard" : `/leaderboard?${text}`;
}

/** Down to the end of the page: places are counted from the first. */
export function limitOf({ page }: BoardQuery): number {
  return page * BOARD_PAGE.size;
}
