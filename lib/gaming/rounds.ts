import { randomBytes, randomInt } from "node:crypto";
import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { isUnreachable, within } from "@/lib/db/regions/faults";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { placeWrite } from "@/lib/db/writes/place-write";
import { repeatRolledBack } from "@/lib/db/writes/repeat-rolled-back";
import { errorMessage } from "@/lib/errors";
import { dealCards } from "./deal-cards";
import { playRound, ROUND, ROUND_LIFE_MS, type Card, type RoundAnswer } from "./round-rules";
import { countRound, findRound, insertRound, type ScoredRow } from "./round-statements";
import { scoreOf, toBest } from "./score";
import { toShownName } from "./shown-name";

/** A player may begin so many rounds at once in a region, and then one more every so often. */
export const ROUND_QUOTA = { rounds: 6, everyMs: 10_000 } as const;

/** A region that takes longer may have counted the round: asked again, it says what it did. */
const ANSWER_MS = 2_500;

export interface GameRound {
  id: string;
  /** Where it was begun; nowhere else is it known. */
  regionId: RegionId;
  cards: Card[];
}

export type BeginOutcome =
  | { kind: "begun"; round: GameRound }
  | { kind: "limited"; regionId: RegionId; waitMs: number }
  | { kind: "unavailable"; detail: string };

export type CountOutcome =
  /** `again`: it had counted before, with this score. `improved`: it is the player's best so far. */
  | {
      kind: "counted";
      score: number;
      best: number;
      improved: boolean;
      again: boolean;
      row: ScoredRow;
    }
  | { kind: "unknown-round" }
  | { kind: "expired" }
  | { kind: "impossible"; reason: string }
  /** It may have counted. */
  | { kind: "unavailable"; detail: string };

/**
 * Rounds of the game. A round belongs to the player and to the region that began it: there it is dealt, played
 * again and counted, once. No other region has to agree, and none can count it too. See docs/LEADERBOARD.md.
 */
export class GameRounds {
  constructor(
    private readonly runtime: () => Runtime = defaultRuntime,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** Begins a round in the nearest region that answers, unless the player has begun too many there. */
  async begin(userId: string, vantage: RegionId): Promise<BeginOutcome> {
    const begun = await placeWrite(
      "PlayerScore",
      vantage,
      async (db) => {
        // Drawn anew for each attempt: one whose answer is lost leaves a round that nobody can name.
        const id = randomBytes(18).toString("base64url");
        const seed = randomInt(2 ** 31);
        const input = { id, userId, seed, lifeMs: ROUND_LIFE_MS, quota: ROUND_QUOTA };
        return { id, seed, ...(await insertRound(db, input)) };
      },
      { runtime: this.runtime },
    );
    if (begun.kind !== "placed") return { kind: "unavailable", detail: begun.detail };
    const { regionId, value } = begun;
    if (!value.granted) return { kind: "limited", regionId, waitMs: value.waitMs };
    const cards = dealCards(value.seed, this.runtime().topology.regions);
    return { kind: "begun", round: { id: value.id, regionId, cards } };
  }

  /**
   * Plays a round again from its answers and notes the score, once, in the region that began it. Whatever is
   * sent after that changes nothing and is told what counted.
   *
   * @param name under which the player is shown
   * @param vantage from where that region is reached
   */
  async count(
    userId: string,
    name: string,
    input: { roundId: string; regionId: RegionId; answers: readonly RoundAnswer[] },
    vantage: RegionId = this.runtime().topology.currentRegion,
  ): Promise<CountOutcome> {
    const { roundId, regionId, answers } = input;
    const db = new MultiRegionDb(this.runtime, vantage).getWriteClient(regionId);
    const find = () => within(ANSWER_MS, findRound(db, roundId, userId));
    try {
      const before = await find();
      if (!before) return { kind: "unknown-round" };
      if (before.round.ended) return toCounted(before, { improved: false, again: true });
      if (before.round.expired) return { kind: "expired" };
      const cards = dealCards(before.round.seed, this.runtime().topology.regions);
      const played = playRound(cards, answers);
      if (played.kind === "impossible") return played;
      const ended = {
        id: roundId,
        userId,
        name: toShownName(name),
        score: played.score,
        best: toBest(played.score, this.nowMs()),
        playedMs: ROUND.readyMs + (answers.at(-1)?.atMs ?? 0),
      };
      const count = () => countRound(db, ended);
      const done = await within(ANSWER_MS, repeatRolledBack(count));
      // Of a later snapshot: it has what another attempt did, and the better score that stood in the way.
      const after = await find();
      if (!after) return { kind: "unknown-round" };
      if (done.counted) {
        // Not waited for: the publisher finds it by itself.
        void this.runtime().wake(vantage, regionId);
      }
      if (after.round.ended) {
        return toCounted(after, { improved: done.improved, again: !done.counted });
      }
      if (after.round.expired) return { kind: "expired" };
      return { kind: "impossible", reason: "So much time has not passed since it began." };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      this.runtime().state.markDown(vantage, regionId);
      return { kind: "unavailable", detail: errorMessage(error) };
    }
  }
}

export const gameRounds = new GameRounds();

function toCounted(
  { round, row }: NonNullable<Awaited<ReturnType<typeof findRound>>>,
  how: { improved: boolean; again: boolean },
): CountOutcome {
  if (round.score === null || row === null) throw new Error("A round counted without a score.");
  return { kind: "counted", score: round.score, best: scoreOf(Number(row.best)), row, ...how };
}
