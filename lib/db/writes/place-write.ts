import type { EntityType } from "@/lib/db/conflicts/entities";
import { traced } from "@/lib/telemetry/traces";
import { writeToLeader, type WriteRefusal } from "@/lib/db/failover/leader-write";
import type { WriteHistory, WriteStep } from "@/lib/db/failover/write-history";
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
      reason: Extract<
        RouteReason,
        "nearest" | "redirected-down" | "redirected-leader" | "redirected-residency"
      >;
      /** Spent on looking for a leader, in ms. */
      waitedMs: number;
    }
  /** Nobody leads, or the leader cannot be reached: nothing was written. */
  | {
      kind: "refused";
      reason: WriteRefusal;
      detail: string;
      waitedMs: number;
      history: readonly WriteStep[];
    }
  /** A region that did not answer may have written it. */
  | { kind: "indeterminate"; detail: string; waitedMs: number; history: readonly WriteStep[] };

export interface PlaceOptions {
  /** How long to look for a leader, in ms. */
  waitMs?: number;
  /** An earlier call may have written it: an answer counts only where the region still leads. */
  again?: boolean;
  /** The only regions that may have what is written. A leader that is none of them refuses it. */
  residents?: readonly RegionId[] | undefined;
  /** Of an earlier call for the same write. */
  history?: WriteHistory;
  runtime?: () => Runtime;
}

/** What mr.fence answers. */
const FENCED = ["MR001", "MR007"];

/** Whether only the leading region may write the entity. */
export function isLed(entityType: EntityType, runtime: () => Runtime = defaultRuntime): boolean {
  return runtime().policy(entityType).topology === "single-leader";
}

/** Whether a row is acknowledged by several regions together, and read from several. */
export function isLeaderless(
  entityType: EntityType,
  runtime: () => Runtime = defaultRuntime,
): boolean {
  return runtime().policy(entityType).topology === "leaderless";
}

/**
 * Runs a write where the entity's topology says: in the leading region, or in the nearest one that
 * answers. Throws what `attempt` throws for reasons of its own.
 *
 * @param attempt makes one write, and may be repeated, in the same region or another, after an unknown
 *   outcome: it has to find what an earlier one wrote, by keys that were chosen before the first
 */
export function placeWrite<T>(
  entityType: EntityType,
  vantage: RegionId,
  attempt: Attempt<T>,
  options: PlaceOptions = {},
): Promise<PlacedWrite<T>> {
  const attributes = { "meridian.entity": entityType, "meridian.vantage": vantage };
  return traced("write", attributes, () => placeByTopology(entityType, vantage, attempt, options));
}

async function placeByTopology<T>(
  entityType: EntityType,
  vantage: RegionId,
  attempt: Attempt<T>,
  { runtime = defaultRuntime, ...options }: PlaceOptions,
): Promise<PlacedWrite<T>> {
  const { topology } = runtime().policy(entityType);
  switch (topology) {
    case "single-leader":
      return placeAtLeader(vantage, attempt, { ...options, runtime });
    case "multi-leader":
    case "leaderless": {
      const done = await writeNearest(vantage, attempt, runtime, options.residents).catch(
        (error: unknown) => {
          if (FENCED.includes(sqlState(error) ?? "")) return "fenced" as const;
          throw error;
        },
      );
      // The databases were migrated to one leader before this process was started again.
      if (done === "fenced") return placeAtLeader(vantage, attempt, { ...options, runtime });
      if (!done) {
        const history = options.history?.steps ?? [];
        return { kind: "indeterminate", detail: "No region answered.", waitedMs: 0, history };
      }
      const reason =
        done.regionId === vantage
          ? "nearest"
          : options.residents?.includes(vantage) === false
            ? "redirected-residency"
            : "redirected-down";
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
