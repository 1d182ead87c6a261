import { act, render, screen, within } from "@testing-library/react";
import { SWRConfig } from "swr";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { flowsOf } from "@/components/multi-region/flow-rates";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { FlowTable, ReplicationFlows } from "@/components/multi-region/replication-flows";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import type { LagState, RegionStatus } from "@/lib/region-status-shape";

const [VIRGINIA, DUBLIN] = ["us-east-1", "eu-west-1"] as const;

/** A region into which so many events of each other one have come. */
function status(
  regionId: string,
  seconds: number,
  applied: Record<string, string>,
  lag: LagState = { kind: "ok", ms: 41, pendingWrites: 0 },
): RegionStatus {
  const entry = DEFAULT_REGIONS.find(({ id }) => id === regionId)!;
  return {
    regionId,
    name: entry.name,
    city: entry.city,
    healthy: true,
    isPrimary: false,
    epoch: 1,
    leading: false,
    leaseRemainingMs: null,
    paused: false,
    latencyMs: 70,
    replicationLag: Object.fromEntries(Object.keys(applied).map((source) => [source, lag])),
    pendingWrites: 0,
    bus: "redis",
    checkedAt: new Date(1_700_000_000_000 + seconds * 1000).toISOString(),
    facts: {
      latency: null,
      connections: null,
      schemaVersion: null,
      incarnation: 0,
      workerSilentMs: 0,
      appliedEvents: applied,
    },
  };
}

describe("the rates of streams", () => {
  const before = [status(DUBLIN, 0, { [VIRGINIA]: "9007199254740993" })];

  it("are of what came through between two answers, beyond what a number can count", () => {
    const now = [status(DUBLIN, 2, { [VIRGINIA]: "9007199254741093" })];
    expect(flowsOf(now, before)).toEqual([
      {
        source: VIRGINIA,
        target: DUBLIN,
        lagMs: 41,
        stalled: false,
        pendingWrites: 0,
        perSecond: 50,
      },
    ]);
  });

  it.each<[string, RegionStatus[], RegionStatus[] | null]>([
    ["before the second answer", [status(DUBLIN, 2, { [VIRGINIA]: "5" })], null],
    ["of the same look", [status(DUBLIN, 0, { [VIRGINIA]: "9007199254740993" })], before],
    ["after a long pause", [status(DUBLIN, 60, { [VIRGINIA]: "9007199254741093" })], before],
    ["of a database that was replaced", [status(DUBLIN, 2, { [VIRGINIA]: "5" })], before],
    ["where nobody says how many", [{ ...before[0]!, facts: undefined }], before],
  ])("are unknown, not zero: %s", (_, now, earlier) => {
    expect(flowsOf(now, earlier)[0]?.perSecond).toBeNull();
  });

  it("keep unknown and stalled apart", () => {
    const [unknown] = flowsOf([status(DUBLIN, 0, { [VIRGINIA]: "5" }, { kind: "unknown" })], null);
    expect(unknown).toMatchObject({ lagMs: null, stalled: false, pendingWrites: null });
    const stall: LagState = { kind: "stalled", ms: 9_000, pendingWrites: 7 };
    const [stalled] = flowsOf([status(DUBLIN, 0, { [VIRGINIA]: "5" }, stall)], null);
    expect(stalled).toMatchObject({ lagMs: 9_000, stalled: true, pendingWrites: 7 });
  });
});

describe("the streams on the page", () => {
  const answers: RegionStatus[][] = [];
  const regions = DEFAULT_REGIONS.slice(0, 2);

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", async () =>
      Response.json(answers.length > 1 ? answers.shift() : answers[0]),
    );
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    answers.length = 0;
  });

  const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
  const show = () =>
    render(
      <SWRConfig value={{ provider: () => new Map() }}>
        <RegionNamesProvider regions={DEFAULT_REGIONS}>
          <svg>
            <ReplicationFlows regions={regions} />
          </svg>
          <FlowTable />
        </RegionNamesProvider>
      </SWRConfig>,
    );
  const both = (seconds: number, events: string, lag?: LagState) => [
    status(VIRGINIA, seconds, { [DUBLIN]: "0" }, lag),
    status(DUBLIN, seconds, { [VIRGINIA]: events }, lag),
  ];

  it("move where writes come through, and only there", async () => {
    answers.push(both(0, "0"), both(2, "20"));
    const { container } = show();
    await pass(10);
    expect(container.querySelectorAll("[data-flow]")).toHaveLength(0);
    await pass(2_100);
    const flows = [...container.querySelectorAll<SVGElement>("[data-flow]")];
    expect(flows.map(({ dataset }) => dataset.flow)).toEqual([`${VIRGINIA} ${DUBLIN}`]);
  });

  it("are told in a table, with units and what is unknown", async () => {
    answers.push(both(0, "0"), both(2, "20"));
    show();
    await pass(10);
    const table = within(screen.getByRole("table", { hidden: true }));
    expect(table.getAllByText("unknown")).toHaveLength(2);
    await pass(2_100);
    expect(table.getByText("10.0")).toBeInTheDocument();
    expect(table.getByText("0.0")).toBeInTheDocument();
    expect(table.getAllByText("41 ms")).toHaveLength(2);
  });

  it("say on the map that a stream is stalled, or its lag unknown", async () => {
    answers.push(both(0, "0", { kind: "stalled", ms: 9_000 }));
    const { unmount } = show();
    await pass(10);
    expect(screen.getByText("stalled")).toBeInTheDocument();
    unmount();
    answers.splice(0, 1, both(0, "0", { kind: "unknown" }));
    show();
    await pass(10);
    expect(screen.getByText("lag unknown")).toBeInTheDocument();
  });
});
