import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { ReadYourWritesManager, type Receipt, type SessionToken } from "@/lib/db/read-your-writes";
import { byDistance } from "@/lib/db/regions/distance";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { writeRow, type RowWrite } from "@/lib/db/writes/write-row";
import { reachedAtMs, scoreOf, toBest } from "./score";
import { toShownName } from "./shown-name";
import { findRank, listTop, upsertScore, type StoredRank, type StoredScore } from "./statements";
import type { BoardEntry, PlayerRank } from "./types";

export const BOARD_LIMIT = { standard: 10, max: 100 } as const;

/**
 * Best scores of players everywhere. A score is written in the region where it was reached; all regions come to the
 * same board, because of a player's scores the best one stays. See docs/LEADERBOARD.md.
 */
export class GlobalLeaderboard {
  constructor(
    private readonly runtime: () => Runtime = defaultRuntime,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /**
   * Notes a score; a worse one than the player's best changes nothing. Whoever calls has made sure that it was reached.
   *
   * @throws RangeError for a score that is not whole, or not from 0 to 1,000,000, or a name without letters
   */
  async updateScore(
    playerId: string,
    score: number,
    regionId: RegionId,
    name: string = playerId,
  ): Promise<RowWrite<StoredScore>> {
    const best = toBest(score, this.nowMs());
    const shown = toShownName(name);
    const attempt = (db: Parameters<typeof upsertScore>[0]) =>
      upsertScore(db, { playerId, name: shown, regionId, best });
    return writeRow("PlayerScore", regionId, attempt, { runtime: this.runtime });
  }

  /**
   * The board of one region, as that region knows it.
   *
   * @param limit at most 100
   */
  getRegionalLeaderboard(regionId: RegionId, limit?: number): Promise<BoardEntry[]> {
    return this.top(regionId, regionId, limit);
  }

  /**
   * The board of all regions, as one of them knows it.
   *
   * @param limit at most 100
   * @param vantage who is asked; by default this process's region
   */
  getGlobalLeaderboard(
    limit?: number,
    vantage: RegionId = this.runtime().topology.currentRegion,
  ): Promise<BoardEntry[]> {
    return this.top(vantage, null, limit);
  }

  /**
   * Where a player stands, from one snapshot that has the player's own scores; null for who has none.
   *
   * @param latitude, longitude of who asks, in degrees: the nearest region answers, if it has what it must
   */
  async getPlayerRank(
    playerId: string,
    latitude: number,
    longitude: number,
    token: SessionToken = { kind: "none" },
  ): Promise<{ rank: PlayerRank | null; receipt: Receipt }> {
    const { topology } = this.runtime();
    const [nearest] = byDistance(topology.regions, { latitude, longitude });
    const vantage = nearest?.id ?? topology.currentRegion;
    const { data, receipt } = await new ReadYourWritesManager(this.runtime).ensureConsistency(
      playerId,
      vantage,
      // Not the row alone: a rank shows others' scores too, and a later one must not go back behind them.
      async (db) => ({ found: await findRank(db, playerId) }),
      { vantage, token, of: "PlayerScore" },
    );
    return { rank: data.found && toRank(data.found), receipt };
  }

  private async top(
    vantage: RegionId,
    regionId: RegionId | null,
    limit: number = BOARD_LIMIT.standard,
  ): Promise<BoardEntry[]> {
    const db = new MultiRegionDb(this.runtime, vantage).getReadClient(vantage);
    const wanted = Math.min(BOARD_LIMIT.max, Math.max(1, Math.floor(limit)));
    return toBoard(await listTop(db, regionId, wanted));
  }
}

export const globalLeaderboard = new GlobalLeaderboard();

export function toBoard(rows: readonly StoredScore[]): BoardEntry[] {
  return rows.map((row, index) => ({ rank: index + 1, ...toEntry(row) }));
}

export function toRank(row: StoredRank): PlayerRank {
  return {
    ...toEntry(row),
    globalRank: Number(row.before) + 1,
    regionalRank: Number(row.beforeInRegion) + 1,
    players: Number(row.players),
    playersInRegion: Number(row.playersInRegion),
  };
}

export function toEntry({ id, name, regionId, best }: StoredScore): Omit<BoardEntry, "rank"> {
  return {
    playerId: id,
    name,
    regionId,
    score: scoreOf(Number(best)),
    reachedAt: new Date(reachedAtMs(Number(best))).toISOString(),
  };
}
