import type { EntityType } from "@/lib/db/conflicts/entities";
import { writeToLeader, type WriteRefusal } from "@/lib/db/failover/leader-write";
import { sqlState } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import type { RouteReason } from "@/lib/db/sessions/receipt";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { writeNearest } from "./write-nearest";

export type Attempt<T> = (db: PrismaClient, regionId: RegionId) => Promise<T>;

export type PlacedWrite<T> =
  /** A region has answered; what it wrote, if it did, is committed there. */
  | {
      kind: "placed";
      value: T;
      regionId: RegionId;
      reason: Extract<RouteReason, "nearest" | "redirected-down" | "redirected-leader">;
      /** Spent on looking for a leader, in ms. */
      waitedMs: number;
    }
  /** Nobody leads, or the leader cannot be reached: nothing was written. */
  | { kind: "refused"; reason: WriteRefusal; detail: string; waitedMs: number }
  /** A region that did not answer may have written it. */
  | { kind: "indeterminate"; detail: string; waitedMs: number };

export interface PlaceOptions {
  /** How long to look for a leader, in ms. */
  waitMs?: number;
  /** An earlier call may have written it: an answer counts only where the region still leads. */
  again?: boolean;
  runtime?: () => Runtime;
}

/** What mr.fence answers. */
const FENCED = ["MR001", "MR007"];

/** Whether only the leading region may write the entity. */
export function isLed(entityType: EntityType, runtime: () => Runtime = defaultRuntime): boolean {
  return runtime().policy(entityType).topology === "single-leader";
}

/**
 * Runs a write where the entity's topology says: in the leading region, or in the nearest one that
 * answers. Throws what `attempt` throws for reasons of its own.
 *
 * @param attempt makes one write, and may be repeated, in the same region or another, after an unknown
 *   outcome: it has to find what an earlier one wrote, by keys that were chosen before the first
 */
export async function placeWrite<T>(
  entityType: EntityType,
  vantage: RegionId,
  attempt: Attempt<T>,
  { runtime = defaultRuntime, ...options }: PlaceOptions = {},
): Promise<PlacedWrite<T>> {
  const { topology } = runtime().policy(entityType);
  switch (topology) {
    case "single-leader":
      return placeAtLeader(vantage, attempt, { ...options, runtime });
    case "multi-leader":
    case "leaderless": {
      const done = await writeNearest(vantage, attempt, runtime).catch((error: unknown) => {
        if (FENCED.includes(sqlState(error) ?? "")) return "fenced" as const;
        throw error;
      });
      // The databases were migrated to one leader before this process was started again.
      if (done === "fenced") return placeAtLeader(vantage, attempt, { ...options, runtime });
      if (!done) return { kind: "indeterminate", detail: "No region answered.", waitedMs: 0 };
      const reason = done.regionId === vantage ? "nearest" : "redirected-down";
      return { kind: "placed", ...done, reason, waitedMs: 0 };
    }
    default:
      return topology satisfies never;
  }
}

async function placeAtLeader<T>(
  vantage: RegionId,
  attempt: Attempt<T>,
  options: PlaceOptions,
): Promise<PlacedWrite<T>> {
  const written = await writeToLeader(vantage, attempt, options);
  if (written.kind !== "done") return written;
  const { value, regionId, attempts, waitedMs } = written;
  const reason = regionId === vantage ? "nearest" : "redirected-leader";
  return { kind: "placed", value, regionId, reason, waitedMs: attempts > 1 ? waitedMs : 0 };
}
