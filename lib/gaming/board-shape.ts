import type { Receipt } from "@/lib/db/read-your-writes";
import type { Card } from "./round-rules";
import type { BoardEntry, PlayerRank } from "./types";

/* What the routes of the board and of the game answer, for the pages that ask. */

/** How many a page of the board shows, and how far down it goes. */
export const BOARD_PAGE = { size: 20, pages: 5 } as const;

export interface BoardView {
  /** Null: the global board. */
  regionId: string | null;
  /** On this board. */
  players: number;
  /** From the first place down. */
  entries: BoardEntry[];
  /** When this was answered, by the server's clock. ISO 8601, UTC. */
  asOf: string;
  receipt: Receipt;
}

export interface StandingView {
  /** Null for who has not played yet. */
  rank: PlayerRank | null;
  /** The player between those before and after, on the global board. */
  around: BoardEntry[];
  receipt: Receipt;
}

export interface RoundView {
  id: string;
  regionId: string;
  cards: Card[];
}

export interface CountedView {
  /** Of the round. */
  score: number;
  /** Of the player, over all rounds. */
  best: number;
  improved: boolean;
  /** It had counted before. */
  again: boolean;
  receipt: Receipt;
}

export const GAME_REFUSALS = [
  "unauthenticated",
  "forbidden",
  "invalid",
  "not-found",
  "expired",
  "limited",
  "unavailable",
] as const;
export type GameRefusalCode = (typeof GAME_REFUSALS)[number];

/** An expected outcome that changed nothing. `message` is for the player. */
export interface GameRefused {
  code: GameRefusalCode;
  message: string;
  /** On `limited`: until it is worth asking again, in s. */
  retryAfterS?: number;
}
