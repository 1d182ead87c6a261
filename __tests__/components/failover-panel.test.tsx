import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { SWRConfig } from "swr";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FailoverPanel } from "@/components/multi-region/failover-panel";
import { REFUSAL_TITLES } from "@/components/multi-region/failover-text";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import {
  FAILOVER_REFUSALS,
  type CandidateView,
  type FailoverPreview,
  type FailoverRecord,
  type StrandedRecord,
} from "@/lib/failover-shape";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const DUBLIN = "eu-west-1";

function candidate(regionId: string, more: Partial<CandidateView> = {}): CandidateView {
  return {
    regionId,
    reachable: true,
    votes: true,
    leads: false,
    position: "900",
    lacks: { kind: "counted", writes: 0 },
    stranded: { kind: "counted", writes: 0 },
    behindMs: 12,
    switchoverGapMs: 48,
    failoverGapMs: 930,
    refusal: null,
    recommended: "switchover",
    ...more,
  };
}

const LEADER = candidate("us-east-1", {
  leads: true,
  refusal: { reason: "already-leader", message: "us-east-1 leads already." },
  recommended: "none",
});

function preview(more: Partial<FailoverPreview> = {}): FailoverPreview {
  return {
    leader: {
      regionId: "us-east-1",
      reachable: true,
      leading: true,
      epoch: 3,
      leaseRemainingMs: 940,
      lastPosition: "900",
      seenMsAgo: 0,
    },
    voting: 3,
    registered: 3,
    paused: false,
    pauseReason: null,
    running: null,
    candidates: [LEADER, candidate(DUBLIN), candidate("ap-southeast-1")],
    ...more,
  };
}

function record(more: Partial<FailoverRecord> = {}): FailoverRecord {
  return {
    id: "1",
    timestamp: "2026-01-01T00:00:00.000Z",
    fromRegion: "us-east-1",
    toRegion: DUBLIN,
    reason: "an upgrade",
    status: "completed",
    kind: "switchover",
    epoch: 4,
    steps: [
      { name: "promise", startedMs: 0, ms: 81 },
      { name: "release", startedMs: 81, ms: 77, detail: "" },
    ],
    completedAt: "2026-01-01T00:00:00.640Z",
    requestedBy: "demo-admin",
    ...more,
  };
}

const PREVIEW = "/api/regions/failover/preview";
const HISTORY = "/api/regions/failovers?limit=10";
const STRANDED = "/api/regions/stranded";

type Handler = (init?: RequestInit) => Response | Promise<Response>;
let routes: Record<string, Handler>;
let sent: unknown[];

const fetchMock = vi.fn((url: string, init?: RequestInit) => {
  if (init?.method === "POST") sent.push(JSON.parse(String(init.body)));
  return Promise.resolve(routes[url]?.(init) ?? new Response(null, { status: 404 }));
});

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const row = (region: string) => {
  const found = document.querySelector<HTMLElement>(`[data-candidate="${region}"]`);
  if (!found) throw new Error(`${region} is not shown`);
  return within(found);
};

async function show(): Promise<void> {
  render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <FailoverPanel />
      </RegionNamesProvider>
    </SWRConfig>,
  );
  await pass(10);
}

async function order(region: string, button: string, typed: string): Promise<void> {
  fireEvent.click(row(region).getByRole("button", { name: button }));
  fireEvent.change(row(region).getByLabelText("Reason"), { target: { value: "because" } });
  fireEvent.change(row(region).getByLabelText(/^Type “/), { target: { value: typed } });
  fireEvent.submit(row(region).getByRole("form", { name: button }));
  await pass(10);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetchMock);
  sent = [];
  routes = {
    [PREVIEW]: () => Response.json(preview()),
    [HISTORY]: () => Response.json([]),
    [STRANDED]: () => Response.json({ writes: [], missing: [] }),
  };
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  fetchMock.mockClear();
});

describe("failover panel", () => {
  it("says that it is asking", async () => {
    const never = () => new Promise<Response>(() => undefined);
    routes = { [PREVIEW]: never, [HISTORY]: never, [STRANDED]: never };
    await show();
    expect(screen.getAllByRole("status")).toHaveLength(3);
    expect(screen.getAllByText("Asking the regions")).toHaveLength(3);
  });

  it("says that nothing has happened yet", async () => {
    await show();
    expect(screen.getByText("The same region has led from the beginning.")).toBeInTheDocument();
    expect(screen.getByText(/No write was left behind/)).toBeInTheDocument();
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
  });

  it("says which region leads, and what each other one would cost", async () => {
    await show();
    expect(row("us-east-1").getByText(/leads in epoch 3, 940 ms of its lease left/)).toBeVisible();
    expect(row("us-east-1").queryByRole("button")).not.toBeInTheDocument();
    const dublin = row(DUBLIN);
    expect(dublin.getByText("48 ms")).toBeInTheDocument();
    expect(dublin.getByText("930 ms")).toBeInTheDocument();
    expect(dublin.getAllByText("0 writes")).toHaveLength(2);
    expect(dublin.getByText(/^Switch over: it costs next to nothing/)).toBeInTheDocument();
  });

  it("never shows what nobody knows as a number, and offers no switchover then", async () => {
    const unknown = { kind: "unknown", leaderSeenMsAgo: 4_200 } as const;
    routes[PREVIEW] = () =>
      Response.json(
        preview({
          leader: {
            ...preview().leader!,
            reachable: false,
            leading: false,
            leaseRemainingMs: null,
          },
          candidates: [
            candidate(DUBLIN, {
              lacks: unknown,
              stranded: unknown,
              behindMs: null,
              switchoverGapMs: null,
              recommended: "wait",
            }),
          ],
        }),
      );
    await show();
    expect(screen.getByText("No region holds the lease.")).toBeInTheDocument();
    const dublin = row(DUBLIN);
    expect(dublin.getAllByText("unknown for 4.2 s")).toHaveLength(2);
    expect(dublin.getAllByText("unknown")).toHaveLength(2);
    expect(dublin.getByText(/^Wait:/)).toBeInTheDocument();
    expect(dublin.getAllByRole("button").map(({ textContent }) => textContent)).toEqual([
      "Fail over to Dublin",
    ]);
  });

  it("sends an order with what was typed, and shows how it goes until it ends", async () => {
    routes["/api/regions/failover"] = () => {
      const open = record({ status: "in_progress", completedAt: undefined });
      routes[HISTORY] = () => Response.json([open]);
      return Response.json({ attempt: open }, { status: 202 });
    };
    await show();
    await order(DUBLIN, "Switch over to Dublin", ` ${DUBLIN} `);
    expect(sent).toEqual([
      { toRegion: DUBLIN, kind: "switchover", reason: "because", confirm: DUBLIN },
    ]);
    expect(row(DUBLIN).queryByRole("form")).not.toBeInTheDocument();
    const running = screen.getByRole("status", { name: "Attempt under way" });
    expect(within(running).getByText("Under way")).toBeInTheDocument();
    expect(running).toHaveTextContent("promise 81 ms");

    routes[HISTORY] = () => Response.json([record()]);
    await pass(600);
    expect(screen.queryByRole("status", { name: "Attempt under way" })).not.toBeInTheDocument();
    expect(screen.getByText("Completed")).toBeInTheDocument();
  });

  it.each(FAILOVER_REFUSALS)("says why an order is refused: %s", async (reason) => {
    routes["/api/regions/failover"] = () =>
      Response.json({ code: "refused", reason, message: "In more words." }, { status: 400 });
    await show();
    await order(DUBLIN, "Fail over to Dublin", DUBLIN);
    const alert = row(DUBLIN).getByRole("alert");
    expect(alert).toHaveTextContent(REFUSAL_TITLES[reason]);
    expect(alert).toHaveTextContent("In more words.");
    expect(row(DUBLIN).getByLabelText("Reason")).toHaveValue("because");
  });

  it.each(FAILOVER_REFUSALS.filter((reason) => reason !== "already-leader"))(
    "offers nothing for a region that would be refused: %s",
    async (reason) => {
      const refusal = { reason, message: "In more words." };
      routes[PREVIEW] = () =>
        Response.json(preview({ candidates: [LEADER, candidate(DUBLIN, { refusal })] }));
      await show();
      expect(row(DUBLIN).getByText(`${REFUSAL_TITLES[reason]} In more words.`)).toBeVisible();
      expect(row(DUBLIN).queryByRole("button")).not.toBeInTheDocument();
    },
  );

  it("complains of what was typed at its field", async () => {
    routes["/api/regions/failover"] = () =>
      Response.json(
        { code: "invalid", message: "No.", fields: { confirm: "Type the id of the region." } },
        { status: 400 },
      );
    await show();
    await order(DUBLIN, "Fail over to Dublin", "Dublin");
    expect(row(DUBLIN).getByLabelText(/^Type “/)).toHaveAccessibleDescription(
      "Type the id of the region.",
    );
  });

  it("does not say that nothing was done when no answer came", async () => {
    routes["/api/regions/failover"] = () => Promise.reject(new TypeError("failed"));
    await show();
    await order(DUBLIN, "Fail over to Dublin", DUBLIN);
    expect(row(DUBLIN).getByRole("alert")).toHaveTextContent("may have been done all the same");
  });

  it.each([
    ["initiated", "Requested"],
    ["in_progress", "Under way"],
    ["completed", "Completed"],
    ["failed", "Failed"],
    ["rolled_back", "Rolled back"],
  ] as const)("shows an attempt in the history: %s", async (status, label) => {
    const error = status === "failed" || status === "rolled_back" ? "Writes went on." : undefined;
    routes[HISTORY] = () => Response.json([record({ status, error })]);
    await show();
    const history = within(screen.getByRole("region", { name: "History" }));
    expect(history.getByText(label)).toBeInTheDocument();
    expect(history.getByText("an upgrade (demo-admin)")).toBeInTheDocument();
    expect(history.getByText("Switchover, epoch 4, 640 ms")).toBeInTheDocument();
    expect(history.getByRole("list", { name: "Steps" })).toHaveTextContent("release 77 ms");
    expect(history.queryByText("Writes went on.") !== null).toBe(error !== undefined);
  });

  it("pauses and resumes by a typed word", async () => {
    routes["/api/regions/pause"] = () => {
      routes[PREVIEW] = () => Response.json(preview({ paused: true, pauseReason: "because" }));
      return Response.json({ paused: true, told: [], missed: [] });
    };
    await show();
    fireEvent.click(screen.getByRole("button", { name: "Pause failover" }));
    fireEvent.change(screen.getByLabelText("Reason"), { target: { value: "because" } });
    fireEvent.change(screen.getByLabelText("Type “pause” to confirm"), {
      target: { value: "pause" },
    });
    fireEvent.submit(screen.getByRole("form", { name: "Pause failover" }));
    await pass(400);
    expect(sent).toEqual([{ paused: true, reason: "because", confirm: "pause" }]);
    expect(screen.getByText("Failover is paused.")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Resume failover" })).toBeInTheDocument();
  });

  it("lists stranded writes with what became of them, and regions that could not be asked", async () => {
    const write = (outcome: StrandedRecord["outcome"], conflictId: string | null) => ({
      actor: "us-east-1",
      position: "7",
      entity: "User",
      entityId: `a-user-${outcome}`,
      epoch: 4,
      outcome,
      conflictId,
      foundAt: "2026-01-01T00:00:00.000Z",
    });
    const writes = [write("merged", null), write("superseded", "c 1"), write("sibling", "c2")];
    routes[STRANDED] = () => Response.json({ writes, missing: ["ap-southeast-1"] });
    await show();
    const part = within(screen.getByRole("region", { name: "Writes that were left behind" }));
    expect(part.getByText("Merged: every region has it.")).toBeInTheDocument();
    expect(part.getByText("User a-user-sibling")).toBeInTheDocument();
    expect(part.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual([
      "/admin/conflicts/c%201",
      "/admin/conflicts/c2",
    ]);
    expect(part.getByText(/Some regions do not answer.*ap-southeast-1/)).toBeInTheDocument();
  });

  it("keeps what it knew while the server fails, says so, and recovers", async () => {
    routes[HISTORY] = () => Response.json([record()]);
    await show();
    const working = { ...routes };
    routes = {};
    await pass(4_100);
    expect(screen.getByText("The history can’t be read now.")).toBeInTheDocument();
    expect(screen.getByText("Completed")).toBeInTheDocument();
    routes = working;
    await pass(4_100);
    expect(screen.queryByText("The history can’t be read now.")).not.toBeInTheDocument();
  });

  it("says that nothing can be read", async () => {
    routes = {};
    await show();
    expect(screen.getAllByRole("alert")).toHaveLength(3);
    expect(screen.getByText("What it would cost can’t be read now.")).toBeInTheDocument();
  });
});
