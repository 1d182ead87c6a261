import type { EntityType } from "@/lib/db/conflicts/entities";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import {
  mergePositions,
  positionsFromJson,
  type Positions,
  type PositionsJson,
} from "@/lib/db/sessions/positions";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { askQuorum, type QuorumAnswers } from "./ask-quorum";

export type QuorumPositions =
  | { kind: "positions"; positions: Positions; regions: RegionId[]; needed: number }
  | Extract<QuorumAnswers<unknown>, { kind: "unavailable" }>;

/**
 * How far R regions of a leaderless entity have come, together: a region that has applied all of this
 * has every write that was acknowledged before. That is what a read needs that is more than one row.
 */
export async function quorumPositions(
  runtime: Runtime,
  entityType: EntityType,
  vantage: RegionId,
): Promise<QuorumPositions> {
  const asked = await askQuorum(runtime, entityType, vantage, shownBy);
  if (asked.kind === "unavailable") return asked;
  const { answers, sizes } = asked;
  return {
    kind: "positions",
    positions: mergePositions(...[...answers.values()].map(({ shown }) => shown)),
    regions: [...answers.keys()],
    needed: sizes.read,
  };
}

async function shownBy(db: PrismaClient): Promise<{ shown: Positions; ready: boolean }> {
  const [answer] = await db.$queryRaw<{ shown: string; ready: boolean }[]>`
    SELECT coalesce(jsonb_object_agg(actor, position::text), '{}')::text AS shown,
      (SELECT state = 'ready' FROM mr.local) AS ready
    FROM mr.shown()`;
  const shown = answer && positionsFromJson(JSON.parse(answer.shown) as PositionsJson);
  if (!answer || !shown) throw new Error("mr.shown returned nothing");
  return { shown, ready: answer.ready };
}
