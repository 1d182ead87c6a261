import { regionOfActor, type Actor, type RegionId } from "@/lib/db/regions/region-id";
import type { Position, Positions } from "@/lib/db/sessions/positions";

/*
 * When a tombstone may go. A round begins by noting every region's head. It is complete once every
 * region has applied every event below these heads.
 *
 * Let a deleted row be here when a round begins. All writes that made it what it is lie below that
 * round's heads, so when the round is complete every region knows that the row is deleted. A write
 * of the row that did not know was committed before that, so below the heads that the next round
 * notes. When that round is complete too, this region has applied all such writes; what still comes
 * includes the deletion. So the row goes if it has not changed since the first of two consecutive
 * complete rounds began. No clock is compared and no age is assumed.
 *
 * Dead letters count as applied and are not, so their rows are spared. Events of a former
 * incarnation have no head to note: rows with one are spared unless the cursors show that all
 * regions have the same of them.
 */

/** What a region's database said; see `mr.stability`. */
export interface Stability {
  region: RegionId;
  actor: Actor;
  ready: boolean;
  head: Position;
  horizon: Position;
  reached: Position;
  cursors: Positions;
  /** `entity/id` of rows with dead letters; null when there are too many. */
  pending: readonly string[] | null;
}

/**
 * - `waiting`: some region has not applied something below the heads.
 * - `void`: a region is not who it was; its positions mean nothing to this round.
 */
export type Verdict =
  | { kind: "complete"; pending: readonly string[]; unsettled: readonly Actor[] }
  | { kind: "waiting" }
  | { kind: "void" };

/**
 * @param heads what was noted when the round began, of every registered region
 * @param answers what every registered region says since then
 */
export function judgeRound(heads: Positions, answers: readonly Stability[]): Verdict {
  const actors = new Set(answers.map(({ actor }) => actor));
  if (actors.size !== heads.size || [...actors].some((actor) => !heads.has(actor))) {
    return { kind: "void" };
  }
  const pending: string[] = [];
  for (const answer of answers) {
    if (!answer.ready || answer.pending === null) return { kind: "waiting" };
    // Something below the head may not have committed yet: then `reached` does not say it.
    if (answer.horizon < (heads.get(answer.actor) ?? 0n)) return { kind: "waiting" };
    const everyoneHasIt = answers.every(
      (other) =>
        other.actor === answer.actor || (other.cursors.get(answer.actor) ?? 0n) >= answer.reached,
    );
    if (!everyoneHasIt) return { kind: "waiting" };
    pending.push(...answer.pending);
  }
  return { kind: "complete", pending, unsettled: unsettledActors(heads, answers) };
}

/** Former incarnations of which the regions, apart from their own, have not applied the same. */
function unsettledActors(heads: Positions, answers: readonly Stability[]): Actor[] {
  const former = new Set(
    answers.flatMap(({ cursors }) => [...cursors.keys()].filter((actor) => !heads.has(actor))),
  );
  return [...former].filter((actor) => {
    const seen = answers
      .filter(({ region }) => region !== regionOfActor(actor))
      .map(({ cursors }) => cursors.get(actor) ?? 0n);
    return new Set(seen).size > 1;
  });
}
