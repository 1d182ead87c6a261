import type { RegionId } from "@/lib/db/multi-region-config";
import type { Positions } from "@/lib/db/sessions/positions";
import { acknowledge, type Route } from "@/lib/documents/acknowledge";
import type { Actor } from "@/lib/documents/types";
import type { CountedView, GameRefused, RoundView } from "./board-shape";
import type { RoundAnswer } from "./round-rules";
import { gameRounds } from "./rounds";

export type Began = { ok: true; round: RoundView } | ({ ok: false } & GameRefused);
export type Scored =
  /** `open`: what the session must see from now on, for its cookie. */
  { ok: true; value: CountedView; open: Positions } | ({ ok: false } & GameRefused);

export async function beginRound(actor: Actor): Promise<Began> {
  const outcome = await gameRounds.begin(actor.userId, actor.vantage);
  switch (outcome.kind) {
    case "begun":
      return { ok: true, round: outcome.round };
    case "limited": {
      const retryAfterS = Math.max(1, Math.ceil(outcome.waitMs / 1_000));
      return {
        ok: false,
        code: "limited",
        message: `You have begun many rounds just now. The next one can begin in ${retryAfterS} s.`,
        retryAfterS,
      };
    }
    case "unavailable":
      return { ok: false, code: "unavailable", message: "No region answered. Try again." };
    default:
      return outcome satisfies never;
  }
}

/** Counts a round for a person: the session sees the score from now on, wherever it reads. */
export async function scoreRound(
  actor: Actor,
  name: string,
  input: { roundId: string; regionId: RegionId; answers: readonly RoundAnswer[] },
): Promise<Scored> {
  const startedMs = performance.now();
  const { userId, vantage } = actor;
  const { regionId } = input;
  const outcome = await gameRounds.count(userId, name, input, vantage);
  switch (outcome.kind) {
    case "counted": {
      const { score, best, improved, again, row } = outcome;
      const { id, origin, position } = row;
      const event = { entityType: "PlayerScore" as const, entityId: id, origin, position };
      const reason = regionId === vantage ? "nearest" : "redirected-rights";
      const route: Route = { regionId, reason, waitedMs: 0 };
      const value = { score, best, improved, again };
      const { receipt, open } = await acknowledge(actor, startedMs, route, event, value);
      // The better score that stays may be another region's; it was this one that answered.
      const here = { ...receipt, regionId, redirected: regionId !== vantage };
      return { ok: true, value: { ...value, receipt: here }, open };
    }
    case "unknown-round":
      return {
        ok: false,
        code: "not-found",
        message: "That region knows no such round of yours. Play another one.",
      };
    case "expired":
      return {
        ok: false,
        code: "expired",
        message: "The answers came too late to count. Play another one.",
      };
    case "impossible":
      return {
        ok: false,
        code: "invalid",
        message: `These answers cannot be of this round. ${outcome.reason}`,
      };
    case "unavailable":
      return {
        ok: false,
        code: "unavailable",
        message:
          "Only the region that began the round can count it, and it does not answer. Sent again, it counts once.",
      };
    default:
      return outcome satisfies never;
  }
}
