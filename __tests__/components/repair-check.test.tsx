import { act, fireEvent, render, screen } from "@testing-library/react";
import { SWRConfig } from "swr";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { RepairCheck } from "@/components/multi-region/repair-check";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import type { CheckSummary, RepairCheck as Check } from "@/lib/repair-check-shape";

const running: Check = {
  id: "1",
  requestedBy: "a",
  requestedAt: "2026-01-01T00:00:00Z",
  startedAt: null,
  endedAt: null,
  report: null,
  error: null,
};
const report: CheckSummary = {
  outcome: "equal",
  compared: ["us-east-1", "eu-west-1", "ap-southeast-1"],
  rows: 12_345,
  differences: 0,
  examples: [],
  unsettled: 0,
  failures: [],
  ms: 840,
};
const ended = (more: Partial<Check>): Check => ({
  ...running,
  endedAt: "2026-01-01T00:00:02Z",
  ...more,
});

let check: Check | null;
const posts = vi.fn<() => Response>();

beforeEach(() => {
  vi.useFakeTimers();
  check = null;
  posts.mockReset();
  vi.stubGlobal("fetch", async (_: string, init?: RequestInit) =>
    init?.method === "POST" ? posts() : Response.json({ check }),
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

async function show() {
  render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <RepairCheck />
      </RegionNamesProvider>
    </SWRConfig>,
  );
  await pass(10);
}

const button = () => screen.getByRole("button");
const click = async () => {
  fireEvent.click(button());
  await pass(500);
};

describe("the repair check", () => {
  it("says that nothing has been compared yet", async () => {
    await show();
    expect(screen.getByText(/have not been compared/)).toBeInTheDocument();
  });

  it("asks once, shows that it runs, and what came of it", async () => {
    await show();
    posts.mockImplementation(() => {
      check = running;
      return Response.json({ id: "1" }, { status: 202 });
    });
    await click();
    expect(button()).toHaveAttribute("aria-disabled", "true");
    expect(screen.getByText("Comparing every row of every region.")).toBeInTheDocument();
    await click();
    expect(posts).toHaveBeenCalledTimes(1);
    check = ended({ report });
    await pass(1_500);
    expect(screen.getByText("All equal:")).toBeInTheDocument();
    expect(screen.getByText("12,345")).toBeInTheDocument();
    expect(button()).not.toHaveAttribute("aria-disabled");
  });

  it("names rows that differ, and what mends them", async () => {
    check = ended({
      report: {
        ...report,
        outcome: "different",
        differences: 2,
        examples: [{ entity: "Document", id: "d1", kind: "content" }],
      },
    });
    await show();
    expect(screen.getByText("2 rows differ:")).toBeInTheDocument();
    expect(screen.getByText(/Document d1: the same version/)).toBeInTheDocument();
    expect(screen.getByText("npm run region -- repair")).toBeInTheDocument();
  });

  it("does not call equal what could not be compared", async () => {
    check = ended({
      report: {
        ...report,
        outcome: "incomparable",
        failures: [{ region: "eu-west-1", reason: "It does not answer." }],
      },
    });
    await show();
    expect(screen.queryByText("All equal:")).toBeNull();
    expect(screen.getByText(/It does not answer/)).toBeInTheDocument();
  });

  it("says why one failed, and why none was begun", async () => {
    check = ended({ error: "The schemas differ." });
    await show();
    expect(screen.getByText("The schemas differ.")).toBeInTheDocument();
    posts.mockImplementation(() => Response.json({ message: "Try later." }, { status: 503 }));
    await click();
    expect(screen.getByText("Try later.")).toBeInTheDocument();
  });
});
