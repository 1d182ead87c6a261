import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { serveFrom, signInAs } from "@/__tests__/support/route-planet";
import { GET as getRank } from "@/app/api/leaderboard/rank/route";
import { POST as postRound } from "@/app/api/leaderboard/rounds/route";
import { GET as getBoard } from "@/app/api/leaderboard/route";
import { POST as postScore } from "@/app/api/leaderboard/scores/route";
import type { CountedView, RoundView, StandingView } from "@/lib/gaming/board-shape";
import { ROUND_QUOTA } from "@/lib/gaming/rounds";

const VIRGINIA = "us-east-1";
const DUBLIN = "eu-west-1";
const PAGE = { host: "meridian.test", origin: "http://meridian.test" };

/** The cookies of the request under test: the framework's edge, which no request reaches here. */
const jar = vi.hoisted(() => new Map<string, string>());
vi.mock("next/headers", () => ({
  cookies: async () => ({
    get: (name: string) => (jar.has(name) ? { name, value: jar.get(name) } : undefined),
    set: (name: string, value: string) => void jar.set(name, value),
    delete: (name: string) => void jar.delete(name),
  }),
  headers: async () => new Headers(),
}));

let planet: TestPlanet;
let stopServing: () => void;

beforeAll(async () => {
  planet = await startTestPlanet();
  stopServing = serveFrom(planet, VIRGINIA);
});
beforeEach(() => jar.clear());
afterAll(async () => {
  stopServing();
  await planet.stop();
});

function post(body: unknown, headers: Record<string, string> = PAGE): Request {
  return new Request("http://meridian.test/", {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const board = (query: string) =>
  getBoard(new Request(`http://meridian.test/api/leaderboard?${query}`));

async function read<T>(response: Response, status: number): Promise<T> {
  const text = await response.text();
  expect([response.status, text]).toEqual([status, text]);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(text).not.toMatch(/postgres|127\.0\.0\.1|localhost|password|ECONN/i);
  return JSON.parse(text) as T;
}

/** As if the round had begun so long ago. */
const age = (id: string) =>
  planet.region(VIRGINIA).pool.query(
    `UPDATE "GameRound" SET "startedAt" = "startedAt" - interval '17 s',
       "expiresAt" = "expiresAt" - interval '17 s' WHERE id = $1`,
    [id],
  );

describe("the routes of the board", () => {
  it("know regions and limits, and refuse the rest with a reason", async () => {
    expect(await read(await board("limit=5"), 200)).toMatchObject({ regionId: null, players: 0 });
    expect(await read(await board(`region=${DUBLIN}`), 200)).toMatchObject({
      regionId: DUBLIN,
      entries: [],
      receipt: { level: "eventual" },
    });
    for (const query of ["limit=0", "limit=101", "limit=1.5", "limit=-1", "region=x", "a=b"]) {
      expect(await read(await board(query), 400)).toMatchObject({ code: "invalid" });
    }
  });

  it("ask who plays, and from which page", async () => {
    const signedOut = { code: "unauthenticated" };
    expect(await read(await getRank(), 401)).toMatchObject(signedOut);
    expect(await read(await postRound(post({})), 401)).toMatchObject(signedOut);
    expect(await read(await postScore(post({})), 401)).toMatchObject(signedOut);
    await signInAs(jar, "user");
    const foreign: Record<string, string>[] = [
      { host: "meridian.test", origin: "https://elsewhere.example" },
      { host: "meridian.test" },
      { ...PAGE, "sec-fetch-site": "cross-site" },
    ];
    for (const headers of foreign) {
      for (const route of [postRound, postScore]) {
        expect(await read(await route(post({}, headers)), 403)).toMatchObject({
          code: "forbidden",
        });
      }
    }
  });

  it("count a round, tell its player where they stand at once, and believe no score", async () => {
    await signInAs(jar, "user", "Somebody 4f2a1c");
    expect(await read(await getRank(), 200)).toMatchObject({ rank: null, around: [] });
    const round = await read<RoundView>(await postRound(post({})), 201);
    const { id: roundId, regionId, cards } = round;
    await age(roundId);
    const answers = cards
      .slice(0, 5)
      .map(({ nearest }, n) => ({ regionId: nearest, atMs: (n + 1) * 1_000 }));
    const bodies = [
      null,
      "not json",
      { roundId, regionId },
      { roundId, regionId, answers, score: 999_999 },
      { roundId, regionId: "moon-1", answers },
      { roundId: "", regionId, answers },
      { roundId: "a\0b", regionId, answers },
      { roundId, regionId, answers: [{ regionId, atMs: "soon" }] },
      { roundId, regionId, answers: [{ regionId, atMs: 100 }] },
      { roundId, regionId, answers: Array(101).fill({ regionId, atMs: 1_000 }) },
      { roundId, regionId, answers: "x".repeat(30_000) },
    ];
    for (const body of bodies) {
      const refusal = await read<{ message: string }>(await postScore(post(body)), 400);
      expect(refusal).toMatchObject({ code: "invalid" });
      expect(refusal.message.length).toBeGreaterThan(5);
    }
    const elsewhere = await postScore(post({ roundId, regionId: DUBLIN, answers }));
    expect(await read(elsewhere, 404)).toMatchObject({ code: "not-found" });

    const first = await read<CountedView>(
      await postScore(post({ roundId, regionId, answers })),
      200,
    );
    expect(first).toMatchObject({ improved: true, again: false });
    expect(first.receipt).toMatchObject({ kind: "write", regionId: VIRGINIA });
    // No worker runs: only the region that took it has it, and the session asks for no less.
    const standing = await read<StandingView>(await getRank(), 200);
    expect(standing).toMatchObject({ rank: { score: first.score, globalRank: 1, players: 1 } });
    // The board is in every region: a player's own name need not be.
    expect(standing.rank?.name).toBe("Somebody 4f2a1c");
    expect(Object.keys(standing.receipt.required)).toEqual([VIRGINIA]);
    const again = await postScore(post({ roundId, regionId, answers: [] }));
    expect(await read(again, 200)).toMatchObject({ score: first.score, again: true });
  });

  it("are asked too often, and say until when", async () => {
    await signInAs(jar, "admin");
    const statuses: number[] = [];
    for (let n = 0; n < ROUND_QUOTA.rounds; n++) {
      statuses.push((await postRound(post({}))).status);
    }
    expect(statuses).toEqual(statuses.map(() => 201));
    const limited = await postRound(post({}));
    const seconds = Number(limited.headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(ROUND_QUOTA.everyMs / 1_000);
    expect(await read(limited, 429)).toMatchObject({ code: "limited", retryAfterS: seconds });
  });

  it("do not count what comes too late", async () => {
    await signInAs(jar, "user");
    const { id: roundId, regionId } = await read<RoundView>(await postRound(post({})), 201);
    await age(roundId);
    await age(roundId);
    const late = await postScore(post({ roundId, regionId, answers: [] }));
    expect(await read(late, 409)).toMatchObject({ code: "expired" });
  });
});
