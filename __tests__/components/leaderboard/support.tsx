import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { SWRConfig } from "swr";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import type { Receipt } from "@/lib/db/read-your-writes";
import type { BoardView, CountedView, RoundView, StandingView } from "@/lib/gaming/board-shape";
import type { BoardEntry } from "@/lib/gaming/types";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

export const REGIONS = DEFAULT_REGIONS.map(({ id }) => id);
export const VIRGINIA = "us-east-1";
export const DUBLIN = "eu-west-1";
export const SINGAPORE = "ap-southeast-1";

export const receipt: Receipt = {
  kind: "read",
  level: "session",
  regionId: DUBLIN,
  vantage: DUBLIN,
  elapsedMs: 3,
  waitedMs: 0,
  redirected: false,
  reason: "nearest",
  required: {},
  applied: {},
  stale: false,
  sessionComplete: true,
  epoch: 1,
  leader: VIRGINIA,
};

export function entry(rank: number): BoardEntry {
  return {
    rank,
    playerId: `player-${rank}`,
    name: `player-${String(rank).padStart(3, "0")}`,
    regionId: REGIONS[rank % 3] ?? VIRGINIA,
    score: 3_000 - rank,
    reachedAt: "2026-11-26T10:00:00.000Z",
  };
}

export function boardOf(players: number, shown = Math.min(players, 20)): BoardView {
  return {
    regionId: null,
    players,
    entries: Array.from({ length: shown }, (_, n) => entry(n + 1)),
    asOf: "2026-11-26T12:00:00.000Z",
    receipt,
  };
}

export const NO_STANDING: StandingView = { rank: null, around: [], receipt };

export const STANDING: StandingView = {
  rank: {
    playerId: "player-1234",
    name: "Reader",
    regionId: DUBLIN,
    score: 1_766,
    reachedAt: "2026-11-26T10:00:00.000Z",
    globalRank: 1_234,
    regionalRank: 56,
    players: 9_000,
    playersInRegion: 3_000,
  },
  around: [1_233, 1_234, 1_235].map(entry),
  receipt,
};

export const ROUND_VIEW: RoundView = {
  id: "round-1",
  regionId: DUBLIN,
  cards: ["Lisbon", "Tokyo", "Toronto", "Paris"].map((city, n) => ({
    city,
    nearest: [DUBLIN, SINGAPORE, VIRGINIA, DUBLIN][n] ?? DUBLIN,
  })),
};

export const COUNTED: CountedView = {
  score: 290,
  best: 290,
  improved: true,
  again: false,
  receipt: { ...receipt, kind: "write" },
};

export function show(children: ReactNode) {
  return render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <RegionNamesProvider regions={DEFAULT_REGIONS}>{children}</RegionNamesProvider>
    </SWRConfig>,
  );
}
