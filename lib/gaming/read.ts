import type { RegionId } from "@/lib/db/multi-region-config";
import { withReadYourWrites } from "@/lib/db/read-your-writes";
import type { Actor } from "@/lib/documents/types";
import type { BoardView, StandingView } from "./board-shape";
import { toBoard, toEntry, toRank } from "./leaderboard";
import { countPlayers, findStanding, listTop } from "./statements";

/** Who is shown on each side of a player. */
const AROUND = 2;

/** Who looks; a visitor who is not signed in has no session that has to be kept. */
export type Viewer = Omit<Actor, "userId"> & { userId: string | null };

/** @param regionId of a region's board; null for the global one */
export async function readBoard(
  { userId, vantage, token }: Viewer,
  regionId: RegionId | null,
  limit: number,
): Promise<BoardView> {
  const { data, receipt } = await withReadYourWrites(
    userId ?? "",
    async (db) => {
      const [top, players] = await Promise.all([
        listTop(db, regionId, limit),
        countPlayers(db, regionId),
      ]);
      return { top, players };
    },
    { vantage, token, of: "PlayerScore", level: userId === null ? "eventual" : "session" },
  );
  const asOf = new Date().toISOString();
  return { regionId, players: data.players, entries: toBoard(data.top), asOf, receipt };
}

/** Where the reader stands, with their last score in it wherever that was reached. */
export async function readStanding({ userId, vantage, token }: Actor): Promise<StandingView> {
  const { data, receipt } = await withReadYourWrites(
    userId,
    (db) => findStanding(db, userId, AROUND),
    { vantage, token, of: "PlayerScore" },
  );
  const rank = data.me && toRank(data.me);
  if (!rank) return { rank: null, around: [], receipt };
  const around = data.neighbours.map((row) => ({
    rank: rank.globalRank + Number(row.step),
    ...toEntry(row),
  }));
  return { rank, around, receipt };
}
