"use client";

import Link from "next/link";
import { useCallback } from "react";
import { useSWRConfig } from "swr";
import { buttonClass } from "@/components/ui/button";
import type { BoardView, StandingView } from "@/lib/gaming/board-shape";
import { Board, boardUrl } from "./board";
import { boardAddress, type BoardQuery } from "./board-address";
import { Game } from "./game";
import { Standing, STANDING_URL } from "./standing";

/** The game, the reader's own place and the boards. */
export function Leaderboard({
  query,
  board,
  regions,
  player,
}: {
  query: BoardQuery;
  board: BoardView;
  /** In the order of their keys. */
  regions: readonly string[];
  /** Null for who is not signed in. */
  player: { playerId: string; standing: StandingView } | null;
}) {
  const { mutate } = useSWRConfig();
  const url = boardUrl(query);
  const refresh = useCallback(() => {
    void mutate(STANDING_URL);
    void mutate(url);
  }, [mutate, url]);
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)]">
      <div className="min-w-0 space-y-6">
        {player ? (
          <>
            <Game regions={regions} onCounted={refresh} />
            <Standing initial={player.standing} />
          </>
        ) : (
          <SignedOut query={query} />
        )}
      </div>
      <Board
        key={url}
        query={query}
        initial={board}
        regions={regions}
        playerId={player?.playerId ?? null}
      />
    </div>
  );
}

function SignedOut({ query }: { query: BoardQuery }) {
  return (
    <section
      aria-labelledby="play"
      className="space-y-3 rounded-lg border border-line bg-surface p-4 sm:p-5"
    >
      <h2 id="play" className="text-lg font-semibold">
        Play a round
      </h2>
      <p className="text-sm text-muted">
        Fifteen seconds, one question: which region is nearest to this city? Scores belong to
        accounts, so sign in to play and to see your place.
      </p>
      <Link
        href={`/sign-in?next=${encodeURIComponent(boardAddress(query))}`}
        className={buttonClass()}
      >
        Sign in to play
      </Link>
    </section>
  );
}
