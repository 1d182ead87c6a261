import { z } from "zod";
import { errorMessage } from "@/lib/errors";
import { getLogger } from "@/lib/log";
import { within } from "@/lib/db/regions/faults";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { positionsFromJson, toPosition, type Position } from "@/lib/db/sessions/positions";
import type { OperatorRegion } from "./queryable";

/**
 * Longest wait for one region, in ms: an operator looks at what answers, and is told what does not. A first
 * connection takes five round trips, 1.3 s to the other side of the world.
 */
const ANSWER_MS = 2_500;

const regionId = z.string().transform((id) => id as RegionId);
const actor = z.string().transform((id) => id as Actor);
const whole = z.string().transform((text) => BigInt(text));

const reportSchema = z.object({
  region: regionId,
  actor,
  state: z.enum(["ready", "copying", "restored"]),
  votes: z.boolean(),
  regions: z.array(regionId),
  promisedEpoch: whole,
  promisedTo: z.string(),
  epoch: whole,
  leader: regionId,
  leaderActor: actor.nullable(),
  leading: whole.nullable(),
  heldMs: z.number().nullable(),
  suspects: z.string().nullable(),
  pauseVersion: whole,
  paused: z.boolean(),
  pauseReason: z.string(),
  pausedBy: z.string(),
  cursors: z
    .record(z.string(), z.string())
    .transform((json) => positionsFromJson(json) ?? new Map<Actor, Position>()),
  staleness: z.record(z.string(), z.number().nullable()),
  stalled: z.array(z.string()),
  lastEvent: z.string().transform(toPosition),
  peers: z.array(
    z.object({
      region: regionId,
      actor,
      lastEvent: z.string().transform(toPosition),
      latencyMs: z.number(),
      clockOffsetMs: z.number(),
      ageMs: z.number(),
      failing: z.boolean(),
    }),
  ),
  workerAgeMs: z.number().nullable(),
  open: z.string().nullable(),
});

/** What a region's database knows of leadership: `mr.failover_report()`. */
export type RegionReport = z.output<typeof reportSchema>;

/** A region's report, or why there is none. */
export interface Look {
  id: RegionId;
  report: RegionReport | null;
  /** For whoever runs the command: it may name an endpoint. */
  failure: string | null;
}

async function readReport({ id, db }: OperatorRegion): Promise<RegionReport> {
  const { rows } = await db.query<{ report: string }>(
    "SELECT mr.failover_report()::text AS report",
  );
  const report = reportSchema.parse(JSON.parse(rows[0]?.report ?? "null"));
  if (report.region !== id) throw new Error(`This endpoint answers as ${report.region}`);
  return report;
}

/** Asks every region at once, and waits for none longer than `timeoutMs`. */
export function lookAtRegions(
  regions: readonly OperatorRegion[],
  timeoutMs = ANSWER_MS,
): Promise<Look[]> {
  return Promise.all(
    regions.map(async (region): Promise<Look> => {
      try {
        const report = await within(timeoutMs, readReport(region));
        return { id: region.id, report, failure: null };
      } catch (error) {
        getLogger("leadership").debug({ err: error, region: region.id }, "no report");
        return { id: region.id, report: null, failure: errorMessage(error) };
      }
    }),
  );
}

export function reportsOf(looks: readonly Look[]): RegionReport[] {
  return looks.flatMap(({ report }) => (report ? [report] : []));
}
