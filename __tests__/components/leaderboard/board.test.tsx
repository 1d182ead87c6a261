import { screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import LeaderboardError from "@/app/leaderboard/error";
import Loading from "@/app/leaderboard/loading";
import { boardAddress, limitOf, parseBoardQuery } from "@/components/leaderboard/board-address";
import { Leaderboard } from "@/components/leaderboard/leaderboard";
import type { BoardView, StandingView } from "@/lib/gaming/board-shape";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import {
  boardOf,
  DUBLIN,
  entry,
  NO_STANDING,
  REGIONS,
  show,
  SINGAPORE,
  STANDING,
  VIRGINIA,
} from "./support";

vi.mock("next/navigation", () => ({ useRouter: () => ({ refresh: () => undefined }) }));

/** What the routes answer, by the beginning of their path. */
let answers: Record<string, { status: number; body: unknown }>;

beforeEach(() => {
  answers = {};
  vi.stubGlobal("fetch", async (url: string) => {
    const found = Object.keys(answers).find((path) => url.startsWith(path));
    const { status, body } = (found && answers[found]) || { status: 503, body: {} };
    return Response.json(body, { status });
  });
});

function page(
  board: BoardView,
  options: { standing?: StandingView | null; number?: number; regionId?: string } = {},
) {
  const { standing = STANDING, number = 1, regionId = null } = options;
  answers["/api/leaderboard?"] ??= { status: 200, body: board };
  answers["/api/leaderboard/rank"] ??= { status: 200, body: standing };
  return show(
    <Leaderboard
      query={{ regionId, page: number }}
      board={board}
      regions={REGIONS}
      player={standing && { playerId: "player-7", standing }}
    />,
  );
}

const board = () => within(screen.getByRole("region", { name: "Best scores" }));

describe("the board", () => {
  it("shows places, who holds them, and which one is the reader's", () => {
    page(boardOf(9_000));
    const rows = board().getAllByRole("row");
    expect(rows).toHaveLength(21);
    expect(rows[1]?.textContent).toMatch(/^1player-001Dublin.*2,999$/);
    const own = board().getByRole("row", { name: /player-007 ?\(you\)/ });
    expect(own).toHaveAttribute("data-place", "7");
    expect(board().getByRole("table")).toHaveAccessibleName(
      "9,000 players in all regions. Of two equal scores the one that was reached earlier is ahead.",
    );
    expect(board().getByText(/Last updated/).textContent).toBe(
      "Last updated 26 Nov 2026, 12:00:00 UTC",
    );
  });

  it("has one for each region, in its address", () => {
    page({ ...boardOf(12), regionId: SINGAPORE }, { regionId: SINGAPORE });
    const tabs = within(screen.getByRole("navigation", { name: "Boards" }));
    expect(tabs.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual([
      "/leaderboard",
      `/leaderboard?region=${VIRGINIA}`,
      `/leaderboard?region=${DUBLIN}`,
      `/leaderboard?region=${SINGAPORE}`,
    ]);
    expect(tabs.getByRole("link", { name: "Singapore" })).toHaveAttribute("aria-current", "page");
    expect(tabs.getByRole("link", { name: "Everywhere" })).not.toHaveAttribute("aria-current");
    expect(board().getByText(/12 players in Singapore/)).toBeDefined();
  });

  it("goes down to place 100, page by page", () => {
    page(boardOf(9_000, 100), { number: 5 });
    expect(board().getAllByRole("row")[1]).toHaveAttribute("data-place", "81");
    expect(board().getByText("Page 5 of 5, down to place 100")).toBeDefined();
    expect(board().getByRole("link", { name: "Previous" })).toHaveAttribute(
      "href",
      "/leaderboard?page=4",
    );
    expect(board().queryByRole("link", { name: "Next" })).toBeNull();
  });

  it("says that nobody has played, here or anywhere, or so far down", () => {
    const { unmount } = page(boardOf(0), { standing: NO_STANDING });
    expect(screen.getByText(/Nobody has played yet/)).toBeDefined();
    expect(screen.getByText(/You are on no board yet/)).toBeDefined();
    unmount();
    const second = page({ ...boardOf(0), regionId: DUBLIN }, { regionId: DUBLIN });
    expect(screen.getByText("Nobody has played in this region yet.")).toBeDefined();
    second.unmount();
    page(boardOf(30), { number: 3 });
    expect(screen.getByText(/Nobody is so far down/)).toBeDefined();
    expect(board().getByRole("link", { name: "Previous" })).toBeDefined();
  });

  it("takes over what is newer", async () => {
    const newer = { ...boardOf(9_000), asOf: "2026-11-26T12:00:03.000Z" };
    newer.entries[0] = { ...entry(1), name: "player-999" };
    answers["/api/leaderboard?"] = { status: 200, body: newer };
    page(boardOf(9_000));
    expect(await board().findByText("player-999")).toBeDefined();
    expect(board().getByText(/12:00:03 UTC/)).toBeDefined();
  });

  it("keeps what it had, and says that it is old, when it can't ask", async () => {
    answers["/api/leaderboard?"] = { status: 503, body: {} };
    answers["/api/leaderboard/rank"] = { status: 503, body: {} };
    page(boardOf(9_000));
    expect(await screen.findByText("This board is out of date.")).toBeDefined();
    expect(await screen.findByText("Your place is out of date.")).toBeDefined();
    expect(board().getByText(/Out of date, as of/).textContent).toMatch(/12:00:00 UTC$/);
    expect(board().getAllByRole("row")).toHaveLength(21);
  });
});

describe("the reader's place", () => {
  it("is the one everywhere, the one in their region, and between whom", () => {
    page(boardOf(9_000));
    const place = within(screen.getByRole("region", { name: "Your place" }));
    expect(place.getByText("Everywhere").nextElementSibling?.textContent).toBe("#1,234of 9,000");
    expect(place.getByText("Dublin", { selector: "dt" }).nextElementSibling?.textContent).toBe(
      "#56of 3,000",
    );
    expect(place.getByText("Best score").nextElementSibling?.textContent).toBe("1,766points");
    const around = within(place.getByRole("table", { name: "Around you" }));
    expect(around.getByRole("row", { name: /^1,234 You/ })).toBeDefined();
    expect(around.getByRole("row", { name: /^1,233 player-1233/ })).toBeDefined();
    expect(place.getByText(/Read receipt/)).toBeDefined();
  });

  it("says so when the last score may be missing in it", () => {
    const stale = { ...STANDING.receipt, stale: true, reason: "stale-fallback" as const };
    page(boardOf(9_000), { standing: { ...STANDING, receipt: stale } });
    expect(screen.getByText(/your last score may be missing/)).toBeDefined();
  });

  it("is nobody's who is not signed in, and neither is the game", () => {
    page(boardOf(9_000, 40), { standing: null, number: 2 });
    expect(screen.queryByRole("region", { name: "Your place" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Play a round" })).toBeNull();
    expect(screen.getByRole("link", { name: "Sign in to play" })).toHaveAttribute(
      "href",
      "/sign-in?next=%2Fleaderboard%3Fpage%3D2",
    );
    expect(board().getAllByRole("row").length).toBeGreaterThan(0);
  });
});

describe("in its place", () => {
  it("says that it is being read", () => {
    show(<Loading />);
    expect(screen.getByRole("status").textContent).toBe("Reading the leaderboard");
  });

  it("says that it could not be read", () => {
    show(<LeaderboardError error={new Error("secret")} reset={() => undefined} />);
    expect(screen.getByRole("alert").textContent).toMatch(/could not be read/);
    expect(screen.getByRole("alert").textContent).not.toMatch(/secret/);
    expect(screen.getByRole("button", { name: "Try again" })).toBeDefined();
  });
});

describe("an address", () => {
  it.each([
    [{}, { regionId: null, page: 1 }],
    [
      { region: DUBLIN, page: "3" },
      { regionId: DUBLIN, page: 3 },
    ],
    [
      { region: "moon-1", page: "0" },
      { regionId: null, page: 1 },
    ],
    [
      { region: [DUBLIN, VIRGINIA], page: ["1", "2"] },
      { regionId: null, page: 1 },
    ],
    [{ page: "9" }, { regionId: null, page: 5 }],
    [{ page: "1e1" }, { regionId: null, page: 1 }],
  ])("%j", (parameters, query) => {
    expect(parseBoardQuery(parameters, DEFAULT_REGIONS)).toEqual(query);
  });

  it("is short where it can be, and leads back", () => {
    expect(boardAddress({ regionId: null, page: 1 })).toBe("/leaderboard");
    expect(boardAddress({ regionId: DUBLIN, page: 2 })).toBe(
      `/leaderboard?region=${DUBLIN}&page=2`,
    );
    expect(limitOf({ regionId: null, page: 5 })).toBe(100);
  });
});
