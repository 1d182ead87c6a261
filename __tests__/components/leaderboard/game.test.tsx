import { act, fireEvent, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Game } from "@/components/leaderboard/game";
import {
  IDLE,
  nextState,
  type GameEvent,
  type GameState,
} from "@/components/leaderboard/game-state";
import { ROUND } from "@/lib/gaming/round-rules";
import { COUNTED, DUBLIN, REGIONS, ROUND_VIEW, show, SINGAPORE } from "./support";

type Answer = { status: number; body: unknown } | "nothing";

let sent: { url: string; body: unknown }[];
/** What is answered next, by path. */
let answers: { rounds: Answer[]; scores: Answer[] };

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  answers = { rounds: [], scores: [] };
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    sent.push({ url, body: JSON.parse(String(init.body)) });
    const next = answers[url.endsWith("rounds") ? "rounds" : "scores"].shift();
    if (next === undefined || next === "nothing") throw new TypeError("Failed to fetch");
    return Response.json(next.body, { status: next.status });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const press = (key: string, more: object = {}) => fireEvent.keyDown(window, { key, ...more });
const scores = () => sent.filter(({ url }) => url.endsWith("scores"));

async function play(): Promise<{ counted: number }> {
  const seen = { counted: 0 };
  show(<Game regions={REGIONS} onCounted={() => (seen.counted += 1)} />);
  await start("Play a round");
  return seen;
}

async function start(button: string): Promise<void> {
  fireEvent.click(screen.getByRole("button", { name: button }));
  await pass(0);
}

describe("a round", () => {
  it("is played by keys, and sends answers but no score", async () => {
    answers.rounds.push({ status: 201, body: ROUND_VIEW });
    answers.scores.push({ status: 200, body: COUNTED });
    const seen = await play();
    expect(screen.getByText("Get ready")).toBeDefined();
    // Before the first card nothing counts.
    press("1");
    await pass(ROUND.readyMs);
    expect(screen.getByText("Lisbon")).toBeDefined();
    await pass(1_000);
    press("2");
    expect(screen.getByText("Tokyo")).toBeDefined();
    expect(screen.getByText("Right, +140")).toBeDefined();
    expect(screen.getByText("140 points")).toBeDefined();
    // Held down, with another key, or no region's: no answers.
    press("3", { repeat: true });
    press("3", { ctrlKey: true });
    press("9");
    await pass(1_000);
    fireEvent.click(screen.getByRole("button", { name: /Virginia/ }));
    expect(screen.getByText(/Wrong: Tokyo is nearest to Singapore, -100/)).toBeDefined();
    expect(scores()).toEqual([]);
    await pass(ROUND.playMs);
    expect(scores()).toEqual([
      {
        url: "/api/leaderboard/scores",
        body: {
          roundId: "round-1",
          regionId: DUBLIN,
          answers: [
            { regionId: DUBLIN, atMs: 1_000 },
            { regionId: "us-east-1", atMs: 2_000 },
          ],
        },
      },
    ]);
    // The server's word, not what the page had counted.
    expect(screen.getByText("290 points")).toBeDefined();
    expect(screen.getByText(/Your best so far. 1 of 2 right, 1 in a row/)).toBeDefined();
    expect(screen.getByText("Tokyo is nearer to Singapore than to Virginia.")).toBeDefined();
    expect(seen.counted).toBe(1);
    expect(screen.getByRole("button", { name: "Play again" })).toBeDefined();
  });

  it("leaves the focus where keys go on from", async () => {
    answers.rounds.push({ status: 201, body: ROUND_VIEW });
    answers.scores.push({ status: 200, body: { ...COUNTED, improved: false, best: 900 } });
    await play();
    expect(screen.getByRole("group", { name: "The round" })).toHaveFocus();
    await pass(ROUND.readyMs);
    await pass(ROUND.playMs + 200);
    expect(screen.getByText(/Your best stays 900 points/)).toBeDefined();
    expect(document.activeElement).toContainElement(
      screen.getByRole("button", { name: "Play again" }),
    );
  });

  it("without an answer is sent again as it was, and counts once", async () => {
    answers.rounds.push({ status: 201, body: ROUND_VIEW });
    answers.scores.push("nothing", { status: 503, body: {} });
    answers.scores.push({ status: 200, body: { ...COUNTED, again: true } });
    const seen = await play();
    await pass(ROUND.readyMs);
    await pass(500);
    press("2");
    await pass(ROUND.playMs);
    expect(screen.getByRole("alert").textContent).toMatch(/No answer came/);
    await start("Send again");
    expect(screen.getByRole("alert").textContent).toMatch(/Sent again, it counts once/);
    await start("Send again");
    expect(screen.getByText(/It had counted before/)).toBeDefined();
    expect(new Set(scores().map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(scores()).toHaveLength(3);
    expect(seen.counted).toBe(1);
  });

  it.each([
    [429, { code: "limited", message: "The next one can begin in 8 s.", retryAfterS: 8 }],
    [403, { code: "forbidden", message: "Only a page of this site may do this." }],
  ])("that is refused with %i says why", async (status, body) => {
    answers.rounds.push({ status, body });
    await play();
    expect(screen.getByRole("alert").textContent).toBe(body.message);
    expect(screen.getByRole("button", { name: "Play again" })).toBeDefined();
  });

  it("of a session that has ended leads to sign in", async () => {
    answers.rounds.push({
      status: 401,
      body: { code: "unauthenticated", message: "Sign in to play." },
    });
    await play();
    expect(screen.getByRole("link", { name: "Sign in" })).toHaveAttribute(
      "href",
      "/sign-in?next=%2Fleaderboard",
    );
  });

  it("that does not begin can be asked for again", async () => {
    answers.rounds.push("nothing", { status: 201, body: ROUND_VIEW });
    await play();
    expect(screen.getByRole("alert").textContent).toBe("No answer came. Try again.");
    await start("Play again");
    expect(screen.getByText("Get ready")).toBeDefined();
  });
});

describe("its states", () => {
  const given = [{ regionId: SINGAPORE, atMs: 500 }];
  const STATES: Record<GameState["kind"], GameState> = {
    idle: IDLE,
    starting: { kind: "starting" },
    ready: { kind: "ready", round: ROUND_VIEW },
    playing: { kind: "playing", round: ROUND_VIEW, answers: given },
    sending: { kind: "sending", round: ROUND_VIEW, answers: given },
    unanswered: { kind: "unanswered", round: ROUND_VIEW, answers: given },
    counted: { kind: "counted", round: ROUND_VIEW, answers: given, counted: COUNTED },
    refused: { kind: "refused", refusal: { code: "limited", message: "Wait." } },
  };
  const EVENTS: GameEvent[] = [
    { kind: "start" },
    { kind: "begun", round: ROUND_VIEW },
    { kind: "first-card" },
    { kind: "answer", regionId: DUBLIN, atMs: 900 },
    { kind: "time-is-up" },
    { kind: "counted", counted: COUNTED },
    { kind: "refused", refusal: { code: "expired", message: "Late." } },
    { kind: "no-answer" },
    { kind: "send-again" },
  ];
  /** What is not here changes nothing. */
  const MOVES: Record<string, GameState["kind"]> = {
    "idle start": "starting",
    "counted start": "starting",
    "refused start": "starting",
    "starting begun": "ready",
    "starting refused": "refused",
    "starting no-answer": "refused",
    "ready first-card": "playing",
    "playing answer": "playing",
    "playing time-is-up": "sending",
    "sending counted": "counted",
    "sending refused": "refused",
    "sending no-answer": "unanswered",
    "unanswered send-again": "sending",
  };

  it.each(Object.values(STATES).flatMap((state) => EVENTS.map((event) => [state, event] as const)))(
    "$kind, then $1.kind",
    (state, event) => {
      const to = MOVES[`${state.kind} ${event.kind}`];
      const next = nextState(state, event);
      if (to === undefined) expect(next).toBe(state);
      else expect(next.kind).toBe(to);
    },
  );

  it("take no key that bounced, that is late, or that has no card", () => {
    const { playing } = STATES;
    const at = (atMs: number) => nextState(playing, { kind: "answer", regionId: DUBLIN, atMs });
    expect(at(500 + ROUND.minAnswerMs - 1)).toBe(playing);
    expect(at(ROUND.playMs + 1)).toBe(playing);
    let state: GameState = playing;
    for (let n = 1; n < 9; n++) {
      state = nextState(state, { kind: "answer", regionId: DUBLIN, atMs: 500 + n * 1_000 });
    }
    expect(state.kind === "playing" && state.answers.length).toBe(ROUND_VIEW.cards.length);
  });
});
