"use client";

import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { RegionLabel, useRegionName } from "@/components/multi-region/region-names";
import { polledState, usePolled } from "@/components/multi-region/use-polled";
import { cn } from "@/components/ui/class-names";
import { Notice } from "@/components/ui/notice";
import type { StandingView } from "@/lib/gaming/board-shape";
import type { BoardEntry, PlayerRank } from "@/lib/gaming/types";

export const STANDING_URL = "/api/leaderboard/rank";
const POLL_MS = 3_000;

const number = new Intl.NumberFormat("en");

/** Where the reader stands, with their last score in it. */
export function Standing({ initial }: { initial: StandingView }) {
  const polled = usePolled<StandingView>(STANDING_URL, () => POLL_MS, { initial });
  const { rank, around, receipt } = polled.data ?? initial;
  return (
    <section
      aria-labelledby="standing"
      className="space-y-4 rounded-lg border border-line bg-surface p-4 sm:p-5"
    >
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h2 id="standing" className="text-lg font-semibold">
          Your place
        </h2>
        <ReceiptBadge receipt={receipt} />
      </div>
      {polledState(polled) === "stale" ? (
        <Notice tone="warn" live title="Your place is out of date.">
          {polled.error?.message} It is asked for again.
        </Notice>
      ) : null}
      {receipt.stale ? (
        <Notice tone="warn">
          No region within reach has all that this session has seen: your last score may be missing.
        </Notice>
      ) : null}
      {rank ? <Places rank={rank} around={around} /> : null}
      {rank ? null : (
        <p className="text-sm text-muted">You are on no board yet. One round puts you there.</p>
      )}
    </section>
  );
}

function Places({ rank, around }: { rank: PlayerRank; around: readonly BoardEntry[] }) {
  const { city } = useRegionName()(rank.regionId);
  return (
    <>
      <dl className="grid grid-cols-3 gap-3 text-sm">
        {[
          ["Everywhere", rank.globalRank, `of ${number.format(rank.players)}`],
          [city, rank.regionalRank, `of ${number.format(rank.playersInRegion)}`],
          ["Best score", rank.score, "points"],
        ].map(([label, value, unit], index) => (
          <div key={label} className="min-w-0">
            <dt className="truncate text-muted">{label}</dt>
            <dd>
              <span
                data-standing={["global", "regional", "score"][index]}
                className="figures block text-xl font-semibold"
              >
                {index < 2 ? "#" : ""}
                {number.format(Number(value))}
              </span>
              <span className="text-xs text-muted">{unit}</span>
            </dd>
          </div>
        ))}
      </dl>
      <table className="w-full table-fixed text-sm">
        <caption className="pb-1 text-left text-muted">Around you</caption>
        {/* The heading is out of the layout, so no row of it says how wide columns are. */}
        <colgroup>
          <col className="w-16" />
          <col />
          <col className="w-28" />
          <col className="w-16" />
        </colgroup>
        <thead className="sr-only">
          <tr>
            <th scope="col">Place</th>
            <th scope="col">Player</th>
            <th scope="col">Played in</th>
            <th scope="col">Points</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {around.map((entry) => {
            const own = entry.playerId === rank.playerId;
            return (
              <tr key={entry.rank} className={cn(own && "bg-tint font-medium")}>
                <td className="figures py-1 pr-2 text-right text-muted">
                  {number.format(entry.rank)}
                </td>
                <th scope="row" className="truncate px-2 py-1 text-left font-[inherit]">
                  {own ? "You" : entry.name}
                </th>
                <td className="truncate px-2 py-1 font-normal">
                  <RegionLabel regionId={entry.regionId} />
                </td>
                <td className="figures py-1 pl-2 text-right">{number.format(entry.score)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}
