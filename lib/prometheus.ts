import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import { admission } from "@/lib/admission/guard";
import type { LagState, RegionStatus } from "@/lib/region-status-shape";

/** What the process itself uses: one for its life, because counters have to go on. */
let ofProcess: Registry | undefined;

function processRegistry(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
    const registers = [ofProcess];
    new Counter({
      name: "meridian_requests_refused_total",
      help: "Requests answered with 503 because more were asked than can be done",
      registers,
      collect() {
        this.reset();
        this.inc(admission.refused);
      },
    });
    new Gauge({
      name: "meridian_requests_open_max",
      help: "Requests that may be open at once; no sample while all are taken in",
      registers,
      collect() {
        this.reset();
        if (admission.limit !== null) this.set(admission.limit);
      },
    });
  }
  return ofProcess;
}

type Value = number | boolean | null | undefined;
type Metrics<T> = readonly (readonly [name: string, help: string, value: (of: T) => Value])[];

const seconds = (ms: number | null | undefined) =>
  ms === null || ms === undefined ? null : ms / 1_000;

/** By region. */
const OF_A_REGION: Metrics<RegionStatus> = [
  // One that was not reached yet, and has not failed either, is neither.
  [
    "region_up",
    "1 if the region's database answers",
    ({ healthy, checkedAt }) => (healthy && checkedAt === null ? null : healthy),
  ],
  ["region_leading", "1 if the region has a valid lease", ({ leading }) => leading],
  [
    "region_lease_remaining_seconds",
    "What is left of its lease",
    ({ leaseRemainingMs }) => seconds(leaseRemainingMs),
  ],
  ["region_epoch", "Newest epoch of leadership it has heard of", ({ epoch }) => epoch],
  ["region_failover_paused", "1 if nobody is promoted by itself", ({ paused }) => paused],
  [
    "region_latency_seconds",
    "Round trip from the answering process",
    ({ latencyMs }) => seconds(latencyMs),
  ],
  [
    "region_bus_redis",
    "1 if its worker reaches Redis, 0 if not",
    ({ bus }) => (bus === "unknown" ? null : bus === "redis"),
  ],
  [
    "region_connections",
    "Sessions of the region's server",
    ({ facts }) => facts?.connections?.used,
  ],
  [
    "region_connections_max",
    "Sessions that the server takes",
    ({ facts }) => facts?.connections?.max,
  ],
  [
    "region_schema_version",
    "Version of the replicated schema",
    ({ facts }) => facts?.schemaVersion,
  ],
  ["region_incarnation", "How often its database was replaced", ({ facts }) => facts?.incarnation],
  [
    "region_worker_silent_seconds",
    "Since its worker last reported",
    ({ facts }) => seconds(facts?.workerSilentMs),
  ],
];

/** By region and source. */
const OF_A_STREAM: Metrics<LagState> = [
  ["replication_lag_known", "0 if the lag can't be known", ({ kind }) => kind !== "unknown"],
  ["replication_stalled", "1 if the stream stands still", ({ kind }) => kind === "stalled"],
  [
    "replication_lag_seconds",
    "How far the region is behind the source; of a stalled stream, for how long",
    (lag) => (lag.kind === "unknown" ? null : seconds(lag.ms)),
  ],
  [
    "replication_pending_writes",
    "Writes of the source not applied in the region",
    (lag) => (lag.kind === "unknown" ? null : lag.pendingWrites),
  ],
];

interface Labelled<T> {
  labels: Record<string, string>;
  of: T;
}

function addGauges<T>(
  registry: Registry,
  metrics: Metrics<T>,
  labelNames: string[],
  all: readonly Labelled<T>[],
): void {
  for (const [name, help, valueOf] of metrics) {
    const gauge = new Gauge({ name: `meridian_${name}`, help, labelNames, registers: [registry] });
    for (const { labels, of } of all) {
      const value = valueOf(of);
      if (value !== null && value !== undefined) gauge.set(labels, Number(value));
    }
  }
}

/**
 * The regions' state in Prometheus' text format. What is not known has no sample: a gap, not a zero.
 * Names, labels and units are in docs/OBSERVABILITY.md.
 */
export function regionRegistry(regions: readonly RegionStatus[]): Registry {
  const registry = new Registry();
  const each = regions.map((status) => ({ labels: { region: status.regionId }, of: status }));
  addGauges(registry, OF_A_REGION, ["region"], each);
  const streams = regions.flatMap(({ regionId: region, replicationLag }) =>
    Object.entries(replicationLag).map(([source, of]) => ({ labels: { region, source }, of })),
  );
  addGauges(registry, OF_A_STREAM, ["region", "source"], streams);
  const applied = new Counter({
    name: "meridian_replication_applied_events_total",
    help: "Events of the source applied since the region's database was made",
    labelNames: ["region", "source"],
    registers: [registry],
  });
  for (const { regionId: region, facts } of regions) {
    for (const [source, events] of Object.entries(facts?.appliedEvents ?? {})) {
      applied.inc({ region, source }, Number(events));
    }
  }
  return registry;
}

export const PROMETHEUS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** What `GET /api/metrics` answers: the regions, and the process that answers. */
export function renderMetrics(regions: readonly RegionStatus[]): Promise<string> {
  return Registry.merge([regionRegistry(regions), processRegistry()]).metrics();
}
