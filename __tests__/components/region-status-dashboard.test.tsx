import { act, render, screen, within } from "@testing-library/react";
import type { ReactNode } from "react";
import { SWRConfig } from "swr";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveRegions } from "@/components/front-page/live-regions";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { RegionStatusDashboard } from "@/components/multi-region/region-status-dashboard";
import type { RegionStatus } from "@/lib/region-status-shape";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

function region(index: number, more: Partial<RegionStatus> = {}): RegionStatus {
  const entry = DEFAULT_REGIONS[index];
  if (!entry) throw new RangeError("No such region");
  const others = DEFAULT_REGIONS.filter(({ id }) => id !== entry.id);
  return {
    regionId: entry.id,
    name: entry.name,
    city: entry.city,
    healthy: true,
    isPrimary: entry.isPrimary,
    epoch: 3,
    leading: entry.isPrimary,
    leaseRemainingMs: entry.isPrimary ? 940 : null,
    paused: false,
    latencyMs: 76,
    replicationLag: Object.fromEntries(others.map(({ id }) => [id, { kind: "ok", ms: 41 }])),
    pendingWrites: 0,
    bus: "redis",
    checkedAt: new Date().toISOString(),
    ...more,
  };
}

const ALL = [region(0), region(1), region(2)];

const fetchMock = vi.fn<(url: string) => Promise<Response>>();

function answer(regions: RegionStatus[]): void {
  fetchMock.mockImplementation(async () => Response.json(regions));
}

function show(initial?: RegionStatus[]) {
  return render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <RegionStatusDashboard initial={initial} />
      </RegionNamesProvider>
    </SWRConfig>,
  );
}

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const state = () => screen.getByRole("region", { name: "Regions" }).dataset.state;
const card = (name: string) => within(screen.getByRole("article", { name }));

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetchMock);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  fetchMock.mockReset();
});

describe("region status dashboard", () => {
  it("is shown after the front page, which has asked for the same", async () => {
    answer(ALL);
    const cache = new Map();
    const page = (children: ReactNode) => (
      <SWRConfig value={{ provider: () => cache }}>
        <RegionNamesProvider regions={DEFAULT_REGIONS}>{children}</RegionNamesProvider>
      </SWRConfig>
    );
    const front = render(page(<LiveRegions initial={ALL}>map</LiveRegions>));
    await pass(10);
    front.unmount();
    render(page(<RegionStatusDashboard />));
    expect(screen.getAllByRole("article")).toHaveLength(3);
    await pass(10);
    expect(state()).toBe("fresh");
  });

  it("says that it is asking before the first answer", () => {
    fetchMock.mockReturnValue(new Promise(() => undefined));
    show();
    expect(state()).toBe("loading");
    expect(screen.getByRole("status")).toHaveTextContent("Asking the regions");
  });

  it("shows each region, which one leads, and the bus", async () => {
    answer(ALL);
    show();
    await pass(10);
    expect(state()).toBe("fresh");
    const virginia = card("US East (N. Virginia)");
    expect(virginia.getByText("Leader")).toBeInTheDocument();
    expect(virginia.getByText("Healthy")).toBeInTheDocument();
    expect(virginia.getAllByText("41 ms")).toHaveLength(2);
    expect(virginia.getByText("76 ms")).toBeInTheDocument();
    expect(screen.queryByText(/Degraded bus/)).not.toBeInTheDocument();
  });

  it("says which region leads in which epoch, with how much of its lease", async () => {
    const unled = { leading: false, leaseRemainingMs: null };
    answer([region(0), region(1, { paused: true }), region(2, { epoch: null })]);
    show();
    await pass(10);
    expect(card("US East (N. Virginia)").getByText("epoch 3, lease 940 ms")).toBeInTheDocument();
    const dublin = card("EU West (Ireland)");
    expect(dublin.getByText("follows, epoch 3, failover paused")).toBeInTheDocument();
    expect(screen.getByText("follows, epoch unknown")).toBeInTheDocument();
    answer([region(0, unled), region(1), region(2)]);
    await pass(2_100);
    expect(card("US East (N. Virginia)").getByText("epoch 3, no lease")).toBeInTheDocument();
  });

  it("shows what the server rendered until the first answer", () => {
    fetchMock.mockReturnValue(new Promise(() => undefined));
    show(ALL);
    expect(state()).toBe("fresh");
    expect(screen.getAllByRole("article")).toHaveLength(3);
  });

  it("never shows an unknown lag as a number or as healthy", async () => {
    const lag = {
      "us-east-1": { kind: "unknown" },
      "ap-southeast-1": { kind: "ok", ms: 90 },
    } as const;
    answer([
      region(0),
      region(1, { replicationLag: lag, pendingWrites: null, latencyMs: null }),
      region(2),
    ]);
    show();
    await pass(10);
    const dublin = card("EU West (Ireland)");
    expect(dublin.getByText("Lag unknown")).toBeInTheDocument();
    expect(dublin.queryByText("Healthy")).not.toBeInTheDocument();
    expect(dublin.getAllByText("unknown")).toHaveLength(3);
    expect(dublin.queryByText(/^-/)).not.toBeInTheDocument();
  });

  it("tells a stalled stream apart from a slow one", async () => {
    const lag = { "us-east-1": { kind: "stalled", ms: 83_000, reason: "schema" } } as const;
    answer([region(0), region(1, { replicationLag: lag, pendingWrites: 12 }), region(2)]);
    show();
    await pass(10);
    const dublin = card("EU West (Ireland)");
    expect(dublin.getByText("Stalled")).toBeInTheDocument();
    expect(dublin.getByTitle("schema")).toHaveTextContent("stalled 83 s");
    expect(dublin.getByText("12")).toBeInTheDocument();
  });

  it("puts an unreachable region before anything else that is said of it", async () => {
    const lag = { "us-east-1": { kind: "stalled", ms: null } } as const;
    answer([region(0), region(1, { healthy: false, replicationLag: lag }), region(2)]);
    show();
    await pass(10);
    expect(card("EU West (Ireland)").getByText("Unreachable")).toBeInTheDocument();
  });

  it("says that the bus is degraded as soon as one region's is", async () => {
    answer([region(0), region(1, { bus: "degraded" }), region(2)]);
    show();
    await pass(10);
    expect(screen.getByText(/Degraded bus/)).toBeInTheDocument();
  });

  it("marks the figures as old once answers fail to come, and recovers", async () => {
    answer(ALL);
    show();
    await pass(10);
    fetchMock.mockImplementation(async () => new Response(null, { status: 503 }));
    await pass(9000);
    expect(state()).toBe("stale");
    expect(screen.getByRole("alert")).toHaveTextContent("out of date");
    expect(screen.getByRole("alert")).toHaveTextContent("503");
    answer(ALL);
    await pass(4000);
    expect(state()).toBe("fresh");
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
  });

  it("says so when there never was an answer", async () => {
    fetchMock.mockRejectedValue(new Error("connection refused"));
    show();
    await pass(10);
    expect(state()).toBe("unavailable");
    expect(screen.getByRole("alert")).toHaveTextContent("connection refused");
  });

  it("does not take just any answer for the regions", async () => {
    fetchMock.mockImplementation(async () => Response.json({ error: "no" }));
    show();
    await pass(10);
    expect(state()).toBe("unavailable");
  });
});
