"use client";

import Link from "next/link";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { RegionLabel, useRegionName } from "@/components/multi-region/region-names";
import { polledState, usePolled } from "@/components/multi-region/use-polled";
import { buttonClass } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import { Notice } from "@/components/ui/notice";
import { Time } from "@/components/ui/time";
import { BOARD_PAGE, type BoardView } from "@/lib/gaming/board-shape";
import type { BoardEntry } from "@/lib/gaming/types";
import { boardAddress, limitOf, type BoardQuery } from "./board-address";

const POLL_MS = 3_000;

const number = new Intl.NumberFormat("en");

export function boardUrl(query: BoardQuery): string {
  const region = query.regionId === null ? "" : `region=${encodeURIComponent(query.regionId)}&`;
  return `/api/leaderboard?${region}limit=${limitOf(query)}`;
}

/** A page of a board, kept up to date. */
export function Board({
  query,
  initial,
  regions,
  playerId,
}: {
  query: BoardQuery;
  initial: BoardView;
  regions: readonly string[];
  /** Who looks, if they are signed in. */
  playerId: string | null;
}) {
  const polled = usePolled<BoardView>(boardUrl(query), () => POLL_MS, { initial });
  const { entries, players, asOf, receipt } = polled.data ?? initial;
  const first = (query.page - 1) * BOARD_PAGE.size;
  const shown = entries.slice(first, first + BOARD_PAGE.size);
  const stale = polledState(polled) === "stale";
  return (
    <section aria-labelledby="board" className="min-w-0 space-y-4">
      <h2 id="board" className="text-lg font-semibold">
        Best scores
      </h2>
      <BoardTabs query={query} regions={regions} />
      {/* Of one height in both states, so that nothing below it moves. */}
      <div className="flex min-h-8 flex-wrap items-center gap-x-4 gap-y-1.5 text-sm text-muted">
        <ReceiptBadge receipt={receipt} />
        <p data-board-state={stale ? "stale" : "fresh"} className={cn(stale && "text-warn")}>
          {stale ? "Out of date, as of " : "Last updated "}
          <Time value={asOf} className="figures" />
        </p>
      </div>
      {stale ? (
        <Notice tone="warn" live title="This board is out of date.">
          {polled.error?.message} It is asked for again.
        </Notice>
      ) : null}
      {shown.length === 0 ? (
        <Empty query={query} players={players} />
      ) : (
        <BoardTable entries={shown} players={players} playerId={playerId} query={query} />
      )}
      <BoardPages query={query} players={players} />
    </section>
  );
}

function BoardTabs({ query, regions }: { query: BoardQuery; regions: readonly string[] }) {
  return (
    <nav aria-label="Boards" className="flex flex-wrap gap-1 text-sm">
      {[null, ...regions].map((regionId) => {
        const current = query.regionId === regionId;
        return (
          <Link
            key={regionId ?? ""}
            href={boardAddress({ regionId, page: 1 })}
            prefetch={false}
            scroll={false}
            aria-current={current ? "page" : undefined}
            className={cn(
              "rounded-md px-2.5 py-1 hover:bg-tint",
              current ? "bg-tint font-medium text-ink" : "text-muted",
            )}
          >
            {regionId === null ? "Everywhere" : <RegionLabel regionId={regionId} />}
          </Link>
        );
      })}
    </nav>
  );
}

function BoardTable({
  entries,
  players,
  playerId,
  query,
}: {
  entries: readonly BoardEntry[];
  players: number;
  playerId: string | null;
  query: BoardQuery;
}) {
  const nameOf = useRegionName();
  const where = query.regionId === null ? "in all regions" : `in ${nameOf(query.regionId).city}`;
  return (
    <div className="overflow-hidden rounded-lg border border-line bg-surface">
      <table className="w-full table-fixed text-sm">
        <caption className="border-b border-line px-3 py-2 text-left text-muted">
          {number.format(players)} {players === 1 ? "player" : "players"} {where}. Of two equal
          scores the one that was reached earlier is ahead.
        </caption>
        <thead>
          <tr className="border-b border-line text-xs text-muted">
            <th scope="col" className="w-14 px-3 py-1.5 text-right font-normal">
              Place
            </th>
            <th scope="col" className="px-3 py-1.5 text-left font-normal">
              Player
            </th>
            <th scope="col" className="w-28 px-3 py-1.5 text-left font-normal">
              Played in
            </th>
            <th scope="col" className="hidden w-52 px-3 py-1.5 text-left font-normal xl:table-cell">
              Reached
            </th>
            <th scope="col" className="w-20 px-3 py-1.5 text-right font-normal">
              Points
            </th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {entries.map((entry) => (
            <BoardRow key={entry.rank} entry={entry} own={entry.playerId === playerId} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function BoardRow({ entry, own }: { entry: BoardEntry; own: boolean }) {
  const { rank, name, regionId, score, reachedAt } = entry;
  return (
    <tr data-place={rank} data-own={own || undefined} className={cn(own && "bg-tint")}>
      <td className="figures px-3 py-1.5 text-right text-muted">{number.format(rank)}</td>
      <th scope="row" className="truncate px-3 py-1.5 text-left font-normal" title={name}>
        {name}
        {own ? (
          <>
            {" "}
            <span className="font-medium">(you)</span>
          </>
        ) : null}
      </th>
      <td className="truncate px-3 py-1.5">
        <RegionLabel regionId={regionId} />
      </td>
      <td className="hidden truncate px-3 py-1.5 text-muted xl:table-cell">
        <Time value={reachedAt} className="figures" />
      </td>
      <td className="figures px-3 py-1.5 text-right font-medium">{number.format(score)}</td>
    </tr>
  );
}

function Empty({ query, players }: { query: BoardQuery; players: number }) {
  return (
    <p className="rounded-lg border border-line bg-surface px-4 py-6 text-sm text-muted">
      {players > 0
        ? "Nobody is so far down on this board yet."
        : query.regionId === null
          ? "Nobody has played yet. The first score is the best one."
          : "Nobody has played in this region yet."}
    </p>
  );
}

/** Down to place 100, as far as there are players. */
function BoardPages({ query, players }: { query: BoardQuery; players: number }) {
  const last = Math.min(BOARD_PAGE.pages, Math.max(1, Math.ceil(players / BOARD_PAGE.size)));
  if (last === 1 && query.page === 1) return null;
  const to = (page: number) => boardAddress({ ...query, page });
  return (
    <nav aria-label="Pages of the board" className="flex flex-wrap items-center gap-2">
      {query.page > 1 ? (
        <Link
          href={to(query.page - 1)}
          prefetch={false}
          scroll={false}
          rel="prev"
          className={buttonClass("plain")}
        >
          Previous
        </Link>
      ) : null}
      {query.page < last ? (
        <Link
          href={to(query.page + 1)}
          prefetch={false}
          scroll={false}
          rel="next"
          className={buttonClass("plain")}
        >
          Next
        </Link>
      ) : null}
      <p className="text-sm text-muted">
        Page {query.page} of {last}
        {players > BOARD_PAGE.pages * BOARD_PAGE.size
          ? `, down to place ${BOARD_PAGE.pages * BOARD_PAGE.size}`
          : ""}
      </p>
    </nav>
  );
}
