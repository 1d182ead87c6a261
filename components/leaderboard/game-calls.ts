import type { CountedView, GameRefused, RoundView } from "@/lib/gaming/board-shape";
import type { RoundAnswer } from "@/lib/gaming/round-rules";

/** An answer this late is no answer. */
const TIMEOUT_MS = 8_000;

export type Called<T> =
  | { kind: "done"; value: T }
  | { kind: "refused"; refusal: GameRefused }
  /** Whether it was done is not known. */
  | { kind: "no-answer" };

export function beginRound(): Promise<Called<RoundView>> {
  return call<RoundView>("/api/leaderboard/rounds", {});
}

export function sendAnswers(
  { id, regionId }: RoundView,
  answers: readonly RoundAnswer[],
): Promise<Called<CountedView>> {
  return call<CountedView>("/api/leaderboard/scores", { roundId: id, regionId, answers });
}

async function call<T>(url: string, body: unknown): Promise<Called<T>> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    // The server's own trouble, or somebody's in between: nothing is known of it.
    if (response.status >= 500) return { kind: "no-answer" };
    const json: unknown = await response.json();
    return response.ok
      ? { kind: "done", value: json as T }
      : { kind: "refused", refusal: json as GameRefused };
  } catch {
    return { kind: "no-answer" };
  }
}
