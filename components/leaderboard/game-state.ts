import type { CountedView, GameRefused, RoundView } from "@/lib/gaming/board-shape";
import { MAX_ANSWERS, playRound, ROUND, type RoundAnswer } from "@/lib/gaming/round-rules";

/**
 * idle → starting → ready → playing → sending → counted. From starting and sending also to `refused`, which
 * begins anew, and from sending to `unanswered`, which sends the same answers again: they count once.
 */
export type GameState =
  | { kind: "idle" }
  | { kind: "starting" }
  | { kind: "ready"; round: RoundView }
  | { kind: "playing"; round: RoundView; answers: readonly RoundAnswer[] }
  | { kind: "sending"; round: RoundView; answers: readonly RoundAnswer[] }
  | { kind: "unanswered"; round: RoundView; answers: readonly RoundAnswer[] }
  | { kind: "counted"; round: RoundView; answers: readonly RoundAnswer[]; counted: CountedView }
  | { kind: "refused"; refusal: GameRefused };

export type GameEvent =
  | { kind: "start" }
  | { kind: "begun"; round: RoundView }
  | { kind: "first-card" }
  | { kind: "answer"; regionId: string; atMs: number }
  | { kind: "time-is-up" }
  | { kind: "counted"; counted: CountedView }
  | { kind: "refused"; refusal: GameRefused }
  | { kind: "no-answer" }
  | { kind: "send-again" };

export const IDLE: GameState = { kind: "idle" };

/** An event that does not fit, such as a key after the end, changes nothing. Pure. */
export function nextState(state: GameState, event: GameEvent): GameState {
  switch (event.kind) {
    case "start":
      return ["idle", "counted", "refused"].includes(state.kind) ? { kind: "starting" } : state;
    case "begun":
      return state.kind === "starting" ? { kind: "ready", round: event.round } : state;
    case "first-card":
      return state.kind === "ready" ? { kind: "playing", round: state.round, answers: [] } : state;
    case "answer": {
      if (state.kind !== "playing") return state;
      const { regionId, atMs } = event;
      const tookMs = atMs - (state.answers.at(-1)?.atMs ?? 0);
      // A key that bounced. The server would refuse the round for it.
      if (tookMs < ROUND.minAnswerMs || atMs > ROUND.playMs) return state;
      if (state.answers.length >= Math.min(MAX_ANSWERS, state.round.cards.length)) return state;
      return { ...state, answers: [...state.answers, { regionId, atMs }] };
    }
    case "time-is-up":
      return state.kind === "playing" ? { ...state, kind: "sending" } : state;
    case "counted":
      return state.kind === "sending"
        ? { ...state, kind: "counted", counted: event.counted }
        : state;
    case "refused":
      return state.kind === "starting" || state.kind === "sending"
        ? { kind: "refused", refusal: event.refusal }
        : state;
    case "no-answer":
      if (state.kind === "sending") return { ...state, kind: "unanswered" };
      return state.kind === "starting"
        ? {
            kind: "refused",
            refusal: { code: "unavailable", message: "No answer came. Try again." },
          }
        : state;
    case "send-again":
      return state.kind === "unanswered" ? { ...state, kind: "sending" } : state;
    default:
      return event satisfies never;
  }
}

/** What the answers so far come to by the rules; what counts is the server's. Pure. */
export function scoreSoFar(round: RoundView, answers: readonly RoundAnswer[]) {
  const played = playRound(round.cards, answers);
  return played.kind === "played" ? played : { score: 0, right: 0, streak: 0, cards: [] };
}
