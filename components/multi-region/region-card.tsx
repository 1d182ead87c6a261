import { CircleCheck, CircleHelp, CirclePause, CircleX, type LucideIcon } from "lucide-react";
import { cn } from "@/components/ui/class-names";
import { formatMs } from "./receipt-text";
import { RegionDot, RegionLabel } from "./region-names";
import {
  conditionOf,
  type Condition,
  type LagState,
  type RegionFacts,
  type RegionStatus,
} from "@/lib/region-status-shape";

const CONDITIONS: Record<Condition, { label: string; icon: LucideIcon; className: string }> = {
  healthy: { label: "Healthy", icon: CircleCheck, className: "text-ok" },
  unknown: { label: "Lag unknown", icon: CircleHelp, className: "text-muted" },
  stalled: { label: "Stalled", icon: CirclePause, className: "text-warn" },
  down: { label: "Unreachable", icon: CircleX, className: "text-bad" },
};

/** A worker reports every second, in ms. */
const WORKER_SILENT_MS = 5_000;

export function RegionCard({ region }: { region: RegionStatus }) {
  const condition = conditionOf(region);
  const { label, icon: Icon, className } = CONDITIONS[condition];
  const sources = Object.entries(region.replicationLag);
  return (
    <article
      aria-label={region.name}
      data-region={region.regionId}
      data-condition={condition}
      className="flex flex-col rounded-lg border border-line bg-surface"
    >
      <header className="flex items-start gap-3 px-4 pt-3.5 pb-3">
        <div className="min-w-0 flex-1">
          <h3 className="flex items-center gap-2 font-semibold">
            <RegionDot regionId={region.regionId} />
            {region.city}
            {region.isPrimary ? (
              <span className="rounded-sm bg-tint px-1.5 text-xs leading-5 font-medium text-accent">
                Leader
              </span>
            ) : null}
          </h3>
          <p className="truncate text-xs text-muted">
            {region.name} · {region.regionId}
          </p>
          <p className="truncate text-xs text-muted" data-leading={region.leading || undefined}>
            {describeLease(region)}
          </p>
        </div>
        <p className={cn("flex items-center gap-1 text-sm font-medium", className)}>
          <Icon aria-hidden className="size-4" />
          {label}
        </p>
      </header>
      <dl className="grid grid-cols-3 border-y border-line [&>div]:px-4 [&>div]:py-2.5 [&>div+div]:border-l [&>div+div]:border-line">
        <Figure
          label="Latency"
          value={region.latencyMs === null ? null : formatMs(region.latencyMs)}
        />
        <Figure
          label="Pending"
          value={region.pendingWrites === null ? null : String(region.pendingWrites)}
        />
        <Figure label="Bus" value={BUS[region.bus]} />
      </dl>
      {region.facts ? <Facts facts={region.facts} /> : null}
      <div className="px-4 pt-2.5 pb-3.5">
        <h4 className="text-xs text-muted">Behind the writes of</h4>
        {sources.length === 0 ? (
          <p className="mt-1 text-sm text-muted">no other region</p>
        ) : (
          <ul className="mt-1 text-sm">
            {sources.map(([source, lag]) => (
              <li key={source} className="flex items-baseline gap-2 py-0.5" data-lag={lag.kind}>
                <RegionLabel regionId={source} />
                <span
                  aria-hidden
                  className="flex-1 translate-y-[-0.2em] border-b border-dotted border-line"
                />
                <Lag lag={lag} />
              </li>
            ))}
          </ul>
        )}
        {region.detail ? (
          <p className="mt-2 text-xs break-words text-muted">{region.detail}</p>
        ) : null}
      </div>
    </article>
  );
}

/** What an operator wants to know of the server behind it. */
function Facts({ facts }: { facts: RegionFacts }) {
  const { latency, connections, schemaVersion, incarnation, workerSilentMs } = facts;
  const silent = workerSilentMs === null || workerSilentMs > WORKER_SILENT_MS;
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-0.5 border-b border-line px-4 py-2.5 text-sm [&_dd]:text-right [&_dt]:text-muted">
      <Fact label="Latency, p50 and p95">
        {latency ? `${formatMs(latency.p50Ms)}, ${formatMs(latency.p95Ms)}` : null}
      </Fact>
      <Fact label="Connections">
        {connections ? `${connections.used} of ${connections.max}` : null}
      </Fact>
      <Fact label="Schema">{schemaVersion === null ? null : schemaVersion.toString(16)}</Fact>
      <Fact label="Incarnation">{incarnation}</Fact>
      <Fact label="Worker" className={cn(silent && "font-medium text-warn")}>
        {workerSilentMs === null
          ? null
          : silent
            ? `silent for ${formatMs(workerSilentMs)}`
            : "reports"}
      </Fact>
    </dl>
  );
}

function Fact({
  label,
  className,
  children,
}: {
  label: string;
  className?: string;
  children: string | number | null;
}) {
  return (
    <>
      <dt>{label}</dt>
      <dd className={cn("figures", children === null && "text-muted", className)}>
        {children ?? "unknown"}
      </dd>
    </>
  );
}

/** As of when it was last asked: a lease is renewed several times between two looks. */
function describeLease({ leading, epoch, leaseRemainingMs, isPrimary, paused }: RegionStatus) {
  const known = epoch === null ? "epoch unknown" : `epoch ${epoch}`;
  const lease = leading
    ? `${known}, lease ${formatMs(leaseRemainingMs ?? 0)}`
    : isPrimary
      ? `${known}, no lease`
      : `follows, ${known}`;
  return paused ? `${lease}, failover paused` : lease;
}

const BUS = { redis: "Redis", degraded: "degraded", unknown: null } as const;

function Figure({ label, value }: { label: string; value: string | null }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{label}</dt>
      <dd className={cn("figures truncate text-[0.9375rem]", value === null && "text-muted")}>
        {value ?? "unknown"}
      </dd>
    </div>
  );
}

function Lag({ lag }: { lag: LagState }) {
  switch (lag.kind) {
    case "ok":
      return (
        <span className="figures">
          {formatMs(lag.ms)}
          <Pending count={lag.pendingWrites} />
        </span>
      );
    case "unknown":
      return (
        <span className="text-muted" title={lag.reason}>
          unknown
        </span>
      );
    case "stalled":
      return (
        <span className="font-medium text-warn" title={lag.reason}>
          stalled
          {lag.ms === null ? null : <span className="figures"> {formatMs(lag.ms)}</span>}
          <Pending count={lag.pendingWrites} />
        </span>
      );
    default:
      return lag satisfies never;
  }
}

function Pending({ count }: { count: number | undefined }) {
  if (!count) return null;
  return <span className="figures">, {count === 1 ? "1 write" : `${count} writes`}</span>;
}
