import { existsSync } from "node:fs";
import { act, render, screen, within } from "@testing-library/react";
import { SWRConfig } from "swr";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveRegions } from "@/components/front-page/live-regions";
import { STORIES, Stories, type Lab } from "@/components/front-page/stories";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import type { RegionStatus } from "@/lib/region-status-shape";

const fetchMock = vi.fn<(url: string) => Promise<Response>>();

const region = (regionId: string, change: Partial<RegionStatus> = {}): RegionStatus => ({
  regionId,
  name: regionId,
  city: DEFAULT_REGIONS.find(({ id }) => id === regionId)?.city ?? regionId,
  healthy: true,
  isPrimary: false,
  epoch: 1,
  leading: false,
  leaseRemainingMs: null,
  paused: false,
  latencyMs: 76.4,
  replicationLag: {},
  pendingWrites: 0,
  bus: "redis",
  checkedAt: null,
  ...change,
});

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const lines = () =>
  within(screen.getByRole("list", { name: "Regions" }))
    .getAllByRole("listitem")
    .map((line) => line.textContent);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetchMock);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  fetchMock.mockReset();
});

function show(initial: RegionStatus[]) {
  render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <LiveRegions initial={initial}>map</LiveRegions>
      </RegionNamesProvider>
    </SWRConfig>,
  );
}

describe("the regions under the map", () => {
  const led = [region("us-east-1", { leading: true, latencyMs: 0.3 }), region("eu-west-1")];

  it("say who leads and how far each is, and follow a change of leader", async () => {
    fetchMock.mockImplementation(async () => Response.json(led));
    show(led);
    await pass(10);
    expect(lines()).toEqual(["Virginialeads, under 1 ms away", "Dublin76 ms away"]);
    const after = [region("us-east-1", { healthy: false }), region("eu-west-1", { leading: true })];
    fetchMock.mockImplementation(async () => Response.json(after));
    await pass(10_100);
    expect(lines()).toEqual(["Virginiadoes not answer", "Dublinleads, 76 ms away"]);
  });

  it("say so while the server does not answer, and keep what was known", async () => {
    fetchMock.mockImplementation(async () => new Response(null, { status: 503 }));
    show(led);
    await pass(10);
    expect(screen.getByRole("status")).toHaveTextContent("This server does not answer.");
    expect(lines()).toHaveLength(2);
    fetchMock.mockImplementation(async () => Response.json(led));
    await pass(10_100);
    expect(screen.getByRole("status")).toHaveTextContent(/^$/);
  });

  it("does not call a region healthy that is stalled", async () => {
    const stalled = region("eu-west-1", {
      replicationLag: { "us-east-1": { kind: "stalled", ms: 5_000 } },
    });
    fetchMock.mockImplementation(async () => Response.json([stalled]));
    show([stalled]);
    await pass(10);
    expect(lines()).toEqual(["Dublinbehind"]);
  });
});

describe("the stories", () => {
  it.each<[Lab, RegExp, string | null]>([
    [{ kind: "open" }, /Open the fault lab/, "/admin/lab"],
    [{ kind: "signed-out", email: "a@b.c" }, /as a@b\.c/, "/sign-in?next=%2Fadmin%2Flab"],
    [{ kind: "not-admin", email: "a@b.c" }, /in again as a@b\.c/, null],
    [{ kind: "elsewhere" }, /npm run dev/, null],
  ])("say how to get there: %j", (lab, text, href) => {
    const { container } = render(<Stories lab={lab} />);
    expect(container).toHaveTextContent(text);
    expect(container.querySelector("a")?.getAttribute("href") ?? null).toBe(href);
    for (const { title } of STORIES) expect(screen.getByText(title)).toBeInTheDocument();
  });

  it("name code that is there", () => {
    for (const path of STORIES.flatMap(({ code }) => code)) {
      expect(existsSync(path), path).toBe(true);
    }
  });
});
