import Link from "next/link";
import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { ParkedRow } from "@/lib/dead-letters/types";

/** The address of the page that shows one row's dead letters. */
export function parkedRowPath(region: string, { entity, entityId }: ParkedRow): string {
  const query = new URLSearchParams({ region, entity, id: entityId });
  return `/admin/dead-letters/row?${query.toString()}`;
}

/** Rows that wait in one region. */
export function ParkedRows({ region, rows }: { region: string; rows: readonly ParkedRow[] }) {
  return (
    <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
      {rows.map((row) => (
        <li key={`${row.entity}/${row.entityId}`} className="space-y-1 px-4 py-3 text-sm">
          <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
            <Link
              href={parkedRowPath(region, row)}
              className="min-w-0 font-medium break-all text-accent underline underline-offset-2"
            >
              {row.entity} {row.entityId}
            </Link>
            <span className="figures text-muted">
              {row.events === 1 ? "1 event" : `${row.events} events`}
            </span>
          </div>
          <p className="break-words">
            {row.message ?? "It waits behind another event."}
            {row.sqlstate ? <span className="text-muted"> SQLSTATE {row.sqlstate}</span> : null}
          </p>
          <p className="text-xs text-muted">
            Parked <Time value={row.since} />,{" "}
            {row.attempts === 1 ? "tried once" : `tried ${row.attempts} times`}, next{" "}
            <Time value={row.dueAt} />. From{" "}
            {row.origins.map((origin, n) => (
              <span key={origin}>
                {n > 0 ? ", " : null}
                <RegionLabel regionId={origin.split("#", 1)[0] ?? origin} />
              </span>
            ))}
            .
          </p>
        </li>
      ))}
    </ul>
  );
}
