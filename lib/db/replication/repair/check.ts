import { errorMessage } from "@/lib/errors";
import { UnknownEntityError } from "@/lib/errors";
import { maskCredentials } from "@/lib/log";
import { findDifferences, isDivergent } from "./ranges";
import { isContentOnly, settle, type EntityRowStates, type SettleOptions } from "./settle";
import { openSnapshot, requireSameSchema, type RepairRegion, type Snapshot } from "./snapshot";

/**
 * - `missing`: a region does not have the row.
 * - `clock`: regions have different versions of it.
 * - `content`: all have the same version, and not the same content or metadata.
 */
export type DifferenceKind = "missing" | "clock" | "content";

export interface Difference {
  entity: string;
  id: string;
  kind: DifferenceKind;
  /** What each compared region has; null where the row is missing. */
  regions: Readonly<Record<string, { hash: string; clock: string } | null>>;
}

export interface CheckReport {
  /** `incomparable`: nothing is known to differ, and not everything could be compared. */
  outcome: "equal" | "different" | "incomparable";
  /** Regions that were compared. */
  compared: string[];
  entities: { entity: string; rows: number }[];
  differences: Difference[];
  /** Rows that still differed, but may only have been under way. */
  unsettled: Difference[];
  failures: { region: string; reason: string }[];
  behind: string[];
  ms: number;
}

export interface CheckOptions extends SettleOptions {
  /** Only this entity. */
  entity?: string;
}

/** A report with what repair needs to go on from it. */
export interface Comparison {
  report: CheckReport;
  /** Those of the regions that could be reached. */
  regions: RepairRegion[];
  divergent: EntityRowStates[];
  unsettled: EntityRowStates[];
  /** What each region held when it was compared, by region. */
  held: ReadonlyMap<string, Snapshot["held"]>;
}

export function kindOf(states: EntityRowStates["states"]): DifferenceKind {
  if (states.some((state) => state === null)) return "missing";
  return isContentOnly(states) ? "content" : "clock";
}

function describe(row: EntityRowStates, regions: readonly RepairRegion[]): Difference {
  const byRegion = row.states.map((state, index): [string, Difference["regions"][string]] => [
    regions[index]?.id ?? "",
    state && { hash: state.hash, clock: state.clock },
  ]);
  return {
    entity: row.entity,
    id: row.id,
    kind: kindOf(row.states),
    regions: Object.fromEntries(byRegion),
  };
}

/** Compares what can be reached. Throws SchemaMismatchError, UnknownEntityError. */
export async function compareRegions(
  all: readonly RepairRegion[],
  options: CheckOptions = {},
): Promise<Comparison> {
  const startedMs = performance.now();
  const opened = await Promise.allSettled(all.map(openSnapshot));
  const snapshots = opened.flatMap((result) =>
    result.status === "fulfilled" ? [result.value] : [],
  );
  const failures = opened.flatMap((result, index) =>
    result.status === "rejected"
      ? [{ region: all[index]?.id ?? "", reason: maskCredentials(errorMessage(result.reason)) }]
      : [],
  );
  const regions = all.filter(({ id }) => snapshots.some(({ region }) => region === id));
  const entities: CheckReport["entities"] = [];
  const found: EntityRowStates[] = [];
  try {
    requireSameSchema(snapshots);
    const names = [...(snapshots[0]?.entities.keys() ?? [])];
    if (options.entity !== undefined && !names.includes(options.entity)) {
      throw new UnknownEntityError(options.entity);
    }
    if (snapshots.length > 1) {
      for (const entity of options.entity === undefined ? names : [options.entity]) {
        const rows = await findDifferences(snapshots, entity, (rows) => {
          const differing = rows.filter(({ states }) => isDivergent(states));
          found.push(...differing.map((row) => ({ ...row, entity })));
        });
        entities.push({ entity, rows });
      }
    }
  } finally {
    await Promise.all(snapshots.map((snapshot) => snapshot.close()));
  }
  const { divergent, unsettled, behind } = await settle(regions, found, options);
  const isComplete = failures.length === 0 && unsettled.length === 0 && regions.length > 1;
  return {
    report: {
      outcome: divergent.length > 0 ? "different" : isComplete ? "equal" : "incomparable",
      compared: regions.map(({ id }) => id),
      entities,
      differences: divergent.map((row) => describe(row, regions)),
      unsettled: unsettled.map((row) => describe(row, regions)),
      failures,
      behind,
      ms: Math.round(performance.now() - startedMs),
    },
    regions,
    divergent,
    unsettled,
    held: new Map(snapshots.map(({ region, held }) => [region, held])),
  };
}

export async function checkRegions(
  regions: readonly RepairRegion[],
  options: CheckOptions = {},
): Promise<CheckReport> {
  return (await compareRegions(regions, options)).report;
}
