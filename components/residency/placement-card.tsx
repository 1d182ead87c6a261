import Link from "next/link";
import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { PlacementView, Presence } from "@/lib/residency/placements";
import { nameOf, pathOf } from "./subjects";

/** One document or article: where it may be, and what every region has of it. */
export function PlacementCard({
  placement,
  presence,
}: {
  placement: PlacementView;
  presence: readonly Presence[];
}) {
  const { id, residency, regions, updatedAt } = placement;
  return (
    <li id={id} className="space-y-3 rounded-lg border border-line bg-surface px-4 py-4">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <h2 className="min-w-0 font-medium break-all">
          <Link
            href={pathOf(placement)}
            prefetch={false}
            className="text-accent underline underline-offset-2"
          >
            {nameOf(placement)}
          </Link>
        </h2>
        <p className="text-xs text-muted">
          {residency === null ? "" : `${residency.toUpperCase()} since `}
          <Time value={updatedAt} />
        </p>
      </div>
      <div className="overflow-x-auto">
        <table className="w-full text-sm">
          <caption className="sr-only">What each region has of {nameOf(placement)}</caption>
          <thead>
            <tr className="border-b border-line text-right text-xs text-muted">
              <th scope="col" className="py-1 text-left font-normal">
                Region
              </th>
              <th scope="col" className="py-1 pl-3 font-normal">
                rows
              </th>
              <th scope="col" className="py-1 pl-3 font-normal">
                events
              </th>
              <th scope="col" className="py-1 pl-3 text-left font-normal">
                which is
              </th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {presence.map(({ regionId, held }) => {
              const verdict = judge(regions.includes(regionId), held);
              return (
                <tr key={regionId} data-presence={regionId} className="text-right tabular-nums">
                  <th scope="row" className="py-1.5 text-left font-normal">
                    <RegionLabel regionId={regionId} />
                  </th>
                  <td className="py-1.5 pl-3">{held?.rows ?? "unknown"}</td>
                  <td className="py-1.5 pl-3">{held?.events ?? "unknown"}</td>
                  <td
                    className={`py-1.5 pl-3 text-left ${verdict.bad ? "text-bad" : "text-muted"}`}
                  >
                    {verdict.text}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </li>
  );
}

function judge(may: boolean, held: Presence["held"]): { text: string; bad?: boolean } {
  if (held === null) return { text: "not known: the region did not answer" };
  const has = held.rows > 0 || held.events > 0;
  if (may) return { text: held.rows > 0 ? "as it should be" : "still to arrive" };
  return has ? { text: "still to be taken away", bad: true } : { text: "as it should be" };
}
