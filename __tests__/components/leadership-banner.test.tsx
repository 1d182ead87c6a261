import { act, render, screen } from "@testing-library/react";
import { SWRConfig } from "swr";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LeadershipBanner } from "@/components/multi-region/leadership-banner";
import {
  BUS_STATES,
  READ_ONLY_REASONS,
  type BusState,
  type LeadershipState,
} from "@/lib/leadership-shape";

const LED: LeadershipState = { kind: "led", leader: "us-east-1", epoch: 3 };

const fetchMock = vi.fn<(url: string) => Promise<Response>>();
const answer = (state: unknown) => fetchMock.mockImplementation(async () => Response.json(state));

function show(initial: LeadershipState, bus?: BusState) {
  return render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <LeadershipBanner initial={initial} bus={bus} />
    </SWRConfig>,
  );
}

/** The notices are loaded when they are first shown, in real time. */
const pass = async (ms: number) => {
  await act(() => vi.advanceTimersByTimeAsync(ms));
  await act(async () => void (await vi.dynamicImportSettled()));
};
const banner = () => screen.queryByRole("alert");

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetchMock);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  fetchMock.mockReset();
});

describe("leadership banner", () => {
  it.each<LeadershipState>([LED, { kind: "unknown" }])("is not there: $kind", async (state) => {
    answer(state);
    const { container } = show(state);
    await pass(10);
    expect(container).toBeEmptyDOMElement();
  });

  it("says that the leader is changing, what works and what does not", async () => {
    answer({ kind: "changing" });
    show({ kind: "changing" });
    await pass(10);
    expect(banner()).toHaveTextContent("The leading region is changing.");
    expect(banner()).toHaveTextContent("documents and signing in go on");
    expect(banner()).toHaveTextContent("No account can be made");
  });

  it.each(READ_ONLY_REASONS)("says why nobody leads: %s", async (reason) => {
    answer({ kind: "read-only", reason });
    show({ kind: "read-only", reason });
    await pass(10);
    expect(banner()).toHaveTextContent("No region leads.");
    expect(banner()?.textContent?.length).toBeGreaterThan(150);
  });

  it("comes within ten seconds of the loss, and goes within two of the next leader", async () => {
    answer(LED);
    show(LED);
    await pass(10);
    answer({ kind: "changing" });
    await pass(10_100);
    expect(banner()).toBeInTheDocument();
    answer(LED);
    await pass(2_100);
    expect(banner()).not.toBeInTheDocument();
  });

  it("keeps what it knew while the server does not answer, and goes on asking", async () => {
    answer({ kind: "changing" });
    show({ kind: "changing" });
    await pass(10);
    fetchMock.mockImplementation(async () => new Response(null, { status: 503 }));
    await pass(8_000);
    expect(banner()).toBeInTheDocument();
    answer(LED);
    await pass(4_100);
    expect(banner()).not.toBeInTheDocument();
  });

  it("does not take just any answer for a state", async () => {
    answer({ error: "no" });
    show(LED);
    await pass(12_000);
    expect(banner()).not.toBeInTheDocument();
  });
});

describe("degraded banner", () => {
  const redis = () => screen.queryByText("Redis is away.");

  it.each(BUS_STATES)("is there while Redis is away, and only then: %s", async (bus) => {
    answer({ ...LED, bus });
    show(LED, bus);
    await pass(10);
    expect(redis() !== null).toBe(bus === "degraded");
    expect(banner()).not.toBeInTheDocument();
  });

  it("comes and goes with Redis", async () => {
    answer({ ...LED, bus: "redis" });
    show(LED, "redis");
    await pass(10);
    answer({ ...LED, bus: "degraded" });
    await pass(10_100);
    expect(redis()).toBeInTheDocument();
    answer({ ...LED, bus: "redis" });
    await pass(10_100);
    expect(redis()).not.toBeInTheDocument();
  });

  it("stands beside the other one, and says nothing of an older server", async () => {
    answer({ kind: "changing", bus: "degraded" });
    show({ kind: "changing" }, "degraded");
    await pass(10);
    expect(redis()).toBeInTheDocument();
    expect(banner()).toHaveTextContent("The leading region is changing.");
    answer({ kind: "changing" });
    await pass(2_100);
    expect(redis()).not.toBeInTheDocument();
  });
});
