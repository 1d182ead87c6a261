import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { queryShown } from "./applied-positions";
import {
  isStamped,
  mergePositions,
  missingPositions,
  positionsOf,
  type Positions,
} from "./positions";
import type { SessionToken } from "./token";

type Parts = Pick<Runtime, "state" | "mirror" | "redis">;

export interface SessionEntries {
  /** All of cookie and mirror. */
  entries: Positions;
  /** Of these what some region has yet to apply. */
  required: Positions;
  /** False while the mirror is away: then what only it knows is not among them. */
  complete: boolean;
}

export async function openEntries(
  { state, mirror, redis }: Parts,
  userId: string,
  token: SessionToken,
  vantage: RegionId,
): Promise<SessionEntries> {
  const { positions, complete } = await mirror.read(redis.of(vantage, vantage), userId);
  const all = token.kind === "valid" ? mergePositions(positions, token.positions) : positions;
  return {
    entries: all,
    required: all.size === 0 ? all : missingPositions(all, state.floor(vantage)),
    complete,
  };
}

/** Notes what a read showed, so that a later one elsewhere does not go back behind it. */
export async function rememberShown(
  { state, mirror, redis }: Parts,
  userId: string,
  vantage: RegionId,
  shown: { by: PrismaClient; data: unknown; required: Positions },
): Promise<void> {
  const floor = state.floor(vantage);
  const rows = positionsOf(shown.data);
  // What a list or a miss leaves out has no position of its own: note all that the region shows.
  const seen = isStamped(shown.data) ? rows : mergePositions(rows, await queryShown(shown.by));
  const open = missingPositions(missingPositions(seen, floor), shown.required);
  if (open.size > 0) await mirror.merge(redis.of(vantage, vantage), userId, open);
}
