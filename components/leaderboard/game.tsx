"use client";

import Link from "next/link";
import { useCallback, useEffect, useReducer, useRef } from "react";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { useRegionName } from "@/components/multi-region/region-names";
import { Button, buttonClass } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import type { CountedView, GameRefused, RoundView } from "@/lib/gaming/board-shape";
import { ROUND, type RoundAnswer } from "@/lib/gaming/round-rules";
import { beginRound, sendAnswers } from "./game-calls";
import { IDLE, nextState, scoreSoFar } from "./game-state";
import { PlayingRound } from "./playing-round";

const number = new Intl.NumberFormat("en");

/**
 * Which region is nearest? Fifteen seconds of it. The browser shows and sends answers; the server dealt the
 * cards and says what they were worth.
 */
export function Game({
  regions,
  onCounted,
}: {
  regions: readonly string[];
  onCounted: () => void;
}) {
  const [state, dispatch] = useReducer(nextState, IDLE);
  const result = useRef<HTMLDivElement>(null);

  async function start() {
    dispatch({ kind: "start" });
    const called = await beginRound();
    if (called.kind === "done") dispatch({ kind: "begun", round: called.value });
    else dispatch(called);
  }

  // Of each round that is to be sent, once; to send again is another state in between.
  const sending = state.kind === "sending" ? state : null;
  useEffect(() => {
    if (!sending) return;
    let left = false;
    void sendAnswers(sending.round, sending.answers).then((called) => {
      if (left) return;
      if (called.kind !== "done") return dispatch(called);
      dispatch({ kind: "counted", counted: called.value });
      onCounted();
    });
    return () => {
      left = true;
    };
  }, [sending, onCounted]);

  // Whoever played by keyboard goes on from what came of it.
  const over = ["counted", "refused", "unanswered"].includes(state.kind);
  useEffect(() => {
    if (over) result.current?.focus();
  }, [over]);

  useEffect(() => {
    if (state.kind !== "ready") return;
    const timer = setTimeout(() => dispatch({ kind: "first-card" }), ROUND.readyMs);
    return () => clearTimeout(timer);
  }, [state.kind]);

  const answer = useCallback(
    (regionId: string, atMs: number) => dispatch({ kind: "answer", regionId, atMs }),
    [],
  );
  const end = useCallback(() => dispatch({ kind: "time-is-up" }), []);

  return (
    <section
      aria-labelledby="game"
      data-game={state.kind}
      className="flex min-h-88 flex-col gap-4 rounded-lg border border-line bg-surface p-4 sm:p-5"
    >
      <h2 id="game" className="text-lg font-semibold">
        Which region is nearest?
      </h2>
      {state.kind === "idle" || state.kind === "starting" ? (
        <>
          <HowTo regions={regions} />
          <Button
            className="self-start"
            onClick={() => void start()}
            aria-disabled={state.kind === "starting" || undefined}
          >
            {state.kind === "starting" ? "Asking for cards" : "Play a round"}
          </Button>
          <noscript>
            <p className="text-sm text-muted">The game needs JavaScript. The boards do not.</p>
          </noscript>
        </>
      ) : null}
      {state.kind === "ready" || state.kind === "playing" ? (
        <PlayingRound
          round={state.round}
          answers={state.kind === "playing" ? state.answers : null}
          regions={regions}
          onAnswer={answer}
          onEnd={end}
        />
      ) : null}
      {state.kind === "sending" ? (
        <p role="status" className="text-sm text-muted">
          Time is up. The server is playing it again.
        </p>
      ) : null}
      {over ? (
        <div ref={result} tabIndex={-1} className="space-y-4 outline-none">
          {state.kind === "counted" ? <Counted {...state} /> : null}
          {state.kind === "refused" ? <Refused refusal={state.refusal} /> : null}
          {state.kind === "unanswered" ? (
            <Notice tone="warn" live title="No answer came.">
              Whether the round has counted is not known. Sent again, it counts once.
            </Notice>
          ) : null}
          {state.kind === "unanswered" ? (
            <Button onClick={() => dispatch({ kind: "send-again" })}>Send again</Button>
          ) : state.kind === "refused" && state.refusal.code === "unauthenticated" ? (
            <Link href="/sign-in?next=%2Fleaderboard" className={buttonClass()}>
              Sign in
            </Link>
          ) : (
            <Button onClick={() => void start()}>Play again</Button>
          )}
        </div>
      ) : null}
    </section>
  );
}

function HowTo({ regions }: { regions: readonly string[] }) {
  const nameOf = useRegionName();
  return (
    <div className="space-y-2 text-sm text-muted">
      <p>
        A city comes up, and you say which region is nearest to it. You have {ROUND.playMs / 1_000}{" "}
        s. A right answer is worth more the sooner it comes and the more of them come in a row; a
        wrong one costs 100 points.
      </p>
      <p>
        Press{" "}
        {regions.map((regionId, index) => (
          <span key={regionId}>
            {index > 0 ? ", " : ""}
            <kbd className="rounded border border-line-strong px-1.5 text-ink">
              {index + 1}
            </kbd>{" "}
            {nameOf(regionId).city}
          </span>
        ))}
        , or the buttons.
      </p>
    </div>
  );
}

function Counted({
  round,
  answers,
  counted,
}: {
  round: RoundView;
  answers: readonly RoundAnswer[];
  counted: CountedView;
}) {
  const nameOf = useRegionName();
  const { right, streak, cards } = scoreSoFar(round, answers);
  const wrong = cards.filter((card) => !card.right);
  return (
    <>
      <div role="status" className="space-y-1">
        <p className="text-2xl font-semibold" data-score={counted.score}>
          {number.format(counted.score)} points
        </p>
        <p className="text-sm text-muted">
          {counted.improved
            ? "Your best so far."
            : `Your best stays ${number.format(counted.best)} points.`}{" "}
          {right} of {answers.length} right, {streak} in a row.
          {counted.again ? " It had counted before." : ""}
        </p>
      </div>
      <ReceiptBadge receipt={counted.receipt} />
      {wrong.length > 0 ? (
        <ul className="space-y-0.5 text-sm text-muted">
          {wrong.slice(0, 4).map(({ city, nearest, said }) => (
            <li key={city}>
              {city} is nearer to {nameOf(nearest).city} than to {nameOf(said).city}.
            </li>
          ))}
          {wrong.length > 4 ? <li>And {wrong.length - 4} more.</li> : null}
        </ul>
      ) : null}
    </>
  );
}

function Refused({ refusal }: { refusal: GameRefused }) {
  return (
    <Notice tone="warn" live>
      {refusal.message}
    </Notice>
  );
}
