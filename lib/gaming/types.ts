export interface BoardEntry {
  /** From 1; no two players share one. */
  rank: number;
  playerId: string;
  name: string;
  regionId: string;
  score: number;
  /** When the score was reached, to the second. ISO 8601, UTC. */
  reachedAt: string;
}

export interface PlayerRank extends Omit<BoardEntry, "rank"> {
  globalRank: number;
  /** On the board of `regionId`. */
  regionalRank: number;
  players: number;
  playersInRegion: number;
}
