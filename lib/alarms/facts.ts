import type { UnreadReason } from "@/lib/db/metrics/shape";
import type { Overview } from "@/lib/db/regions/overview";

/** What mr.alarm_facts says of a region's database. */
export interface DatabaseFacts {
  state: "ready" | "copying" | "restored";
  readOnly: boolean;
  /** The oldest transaction that writes; null while none does. */
  holder: HorizonHolder | null;
}

export interface HorizonHolder {
  /** Null for a prepared transaction, which no process runs. */
  pid: number | null;
  /** Its name, if it is a prepared one. */
  prepared: string | null;
  applicationName: string | null;
  database: string;
  /** As pg_stat_activity has it, such as `idle in transaction`. */
  state: string | null;
  /** Since its first statement; null where PostgreSQL does not tell the owner. */
  ageMs: number | null;
  query: string | null;
}

export type RegionFacts = { regionId: string; city: string } & (
  | { kind: "read"; overview: Overview; database: DatabaseFacts }
  | { kind: "unread"; reason: UnreadReason }
);

export type ReadFacts = Extract<RegionFacts, { kind: "read" }>;

export interface AlarmFacts {
  /** Where they were gathered. */
  vantage: string;
  nowMs: number;
  regions: readonly RegionFacts[];
  thresholds: AlarmThresholds;
  /** No workers run: nobody has a lease while nobody writes. */
  serverless: boolean;
}

export interface AlarmThresholds {
  /** A transaction older than this holds the horizon for too long. */
  longTransactionMs: number;
  clockWarningMs: number;
  /** Past this the batches of the region that is ahead are not applied. */
  clockCriticalMs: number;
  workerSilentMs: number;
}

export const ALARM_THRESHOLDS: AlarmThresholds = {
  // The application's role is bounded by 8 s a statement and 10 s between two.
  longTransactionMs: 15_000,
  clockWarningMs: 250,
  // mr.apply_batch, 'clock-ahead'.
  clockCriticalMs: 500,
  // It reports every second.
  workerSilentMs: 10_000,
};

/** Where no workers run: a cron job now and then, once a day at least. */
export const SERVERLESS_THRESHOLDS: AlarmThresholds = {
  ...ALARM_THRESHOLDS,
  workerSilentMs: 26 * 3_600_000,
};

export function isoAgo(facts: AlarmFacts, ms: number): string {
  return new Date(facts.nowMs - ms).toISOString();
}

export function cityOf(facts: AlarmFacts, regionId: string): string {
  return facts.regions.find((region) => region.regionId === regionId)?.city ?? regionId;
}
