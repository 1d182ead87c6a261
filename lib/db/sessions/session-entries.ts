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
import type { MirrorAnswer } from "./mirror";
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
  parts: Parts,
  userId: string,
  token: SessionToken,
  vantage: RegionId,
): Promise<SessionEntries> {
  const { mirror, redis } = parts;
  return toEntries(parts, vantage, token, await mirror.read(redis.of(vantage, vantage), userId));
}

/** Of what mirror and token say. */
export function toEntries(
  { state }: Pick<Parts, "state">,
  vantage: RegionId,
  token: SessionToken,
  { positions, complete }: MirrorAnswer,
): SessionEntries {
  const all = token.kind === "valid" ? mergePositions(positions, token.positions) : positions;
  return {
    entries: all,
    required: all.size === 0 ? all : missingPositions(all, state.floor(vantage)),
    complete,
  };
}

/** What an answer may have shown. */
export async function shownBy(by: PrismaClient, data: unknown): Promise<Positions> {
  const rows = positionsOf(data);
  // What a list or a miss leaves out has no position of its own: all that the region shows.
  return isStamped(data) ? rows : mergePositions(rows, await queryShown(by));
}

/**
 * Notes what a session has seen, so that a later read elsewhere does not go back behind it.
 *
 * @param entries what the session is known to have seen before
 */
export async function rememberSeen(
  { state, mirror, redis }: Parts,
  userId: string,
  vantage: RegionId,
  seen: Positions,
  entries: Positions,
): Promise<void> {
  const open = missingPositions(missingPositions(seen, state.settled(vantage)), entries);
  if (open.size > 0) await mirror.merge(redis.of(vantage, vantage), userId, open);
}
