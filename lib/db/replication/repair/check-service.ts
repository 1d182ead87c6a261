import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import { errorMessage } from "@/lib/errors";
import { getLogger, maskCredentials } from "@/lib/log";
import type { CheckSummary } from "@/lib/repair-check-shape";
import type { Service } from "@/lib/service";
import { checkRegions, type CheckReport } from "./check";
import type { RepairRegion } from "./snapshot";

/** Differences that are kept with a report. */
const EXAMPLES = 50;

/** How often a worker says that it is still at it; another one waits for three of them. */
const STILL_MS = 10_000;

export interface RepairCheckerOptions {
  local: pg.Pool;
  /** Every region, of which the others as a peer; two connections each. */
  regions: readonly RepairRegion[];
  intervalMs?: number;
}

/** Compares all regions when an administrator asks for it. */
export class RepairChecker implements Service {
  readonly name = "repair checker";
  private readonly stopping = new AbortController();

  constructor(private readonly options: RepairCheckerOptions) {}

  async run(): Promise<void> {
    const { intervalMs = 2_000 } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await systemSleep(intervalMs, signal);
      try {
        await this.checkOnce();
      } catch (err) {
        getLogger("repair").debug({ err }, "regions not compared");
      }
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Whether there was something to do. */
  async checkOnce(): Promise<boolean> {
    const { local, regions } = this.options;
    const { rows } = await local.query<{ id: string | null }>("SELECT mr.take_check()::text AS id");
    const id = rows[0]?.id;
    if (!id) return false;
    const still = setInterval(() => {
      local
        .query("UPDATE mr.repair_check SET started_at = clock_timestamp() WHERE id = $1", [id])
        .catch(() => undefined);
    }, STILL_MS);
    try {
      const summary = summarise(await checkRegions(regions));
      await this.end(id, summary, null, describe(summary));
    } catch (error) {
      await this.end(id, null, maskCredentials(errorMessage(error)), "failed");
    } finally {
      clearInterval(still);
    }
    return true;
  }

  private async end(id: string, report: CheckSummary | null, error: string | null, result: string) {
    const values = [id, report && JSON.stringify(report), error, result];
    await this.options.local.query(
      "SELECT mr.end_check($1::bigint, $2::jsonb, $3, $4)::text",
      values,
    );
  }
}

function summarise(report: CheckReport): CheckSummary {
  return {
    outcome: report.outcome,
    compared: report.compared,
    rows: report.entities.reduce((sum, { rows }) => sum + rows, 0),
    differences: report.differences.length,
    examples: report.differences
      .slice(0, EXAMPLES)
      .map(({ entity, id, kind }) => ({ entity, id, kind })),
    unsettled: report.unsettled.length,
    failures: report.failures,
    ms: Math.round(report.ms),
  };
}

function describe({ outcome, rows, differences }: CheckSummary): string {
  return outcome === "different" ? `different: ${differences} of ${rows} rows` : outcome;
}
