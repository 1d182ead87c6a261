import { fireEvent, render, screen, within } from "@testing-library/react";
import axe from "axe-core";
import { SWRConfig } from "swr";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chartsOf } from "@/components/multi-region/charts/chart-series";
import { formatTick, formatValue } from "@/components/multi-region/charts/chart-text";
import { MetricCharts } from "@/components/multi-region/charts/metric-charts";
import { linePath, runs, scaleFor } from "@/components/multi-region/charts/scale";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import type { MetricHistoryAnswer, RegionMetrics, Values } from "@/lib/db/metrics/shape";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

/** Nothing is painted here. */
const WITHOUT_CONTRAST = { rules: { "color-contrast": { enabled: false } } };
const POINTS = 6;
const FROM = Date.UTC(2026, 10, 26, 12);
const IDS = DEFAULT_REGIONS.map(({ id }) => id);
const same = (values: Values) => ({ mean: values, max: values });
const fill = (value: number | null): Values => new Array<number | null>(POINTS).fill(value);

function series(
  regionId: string,
  lag: Values = fill(40),
  stalled: Values = fill(null),
): RegionMetrics {
  return {
    regionId,
    series: {
      streams: IDS.filter((id) => id !== regionId).map((peer) => ({
        peer,
        lagMs: same(lag),
        latencyMs: same(fill(76)),
        pending: fill(0),
        stalled,
      })),
      writesPerS: same(fill(2.5)),
      appliedPerS: same(fill(5)),
      conflicts: fill(0),
    },
  };
}

function answer(...changed: RegionMetrics[]): MetricHistoryAnswer {
  const regions = IDS.map((id) => changed.find((one) => one.regionId === id) ?? series(id));
  return { window: "hour", fromMs: FROM, stepMs: 15_000, points: POINTS, regions };
}

let reply: (url: string) => Promise<Response>;
const json = (body: unknown) => async () => Response.json(body);

beforeEach(() => {
  vi.stubGlobal(
    "fetch",
    vi.fn((url: string) => reply(url)),
  );
});
afterEach(() => vi.unstubAllGlobals());

function show() {
  return render(
    <SWRConfig value={{ provider: () => new Map(), dedupingInterval: 0 }}>
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <MetricCharts />
      </RegionNamesProvider>
    </SWRConfig>,
  );
}

const chart = (name: string) => screen.findByRole("figure", { name });
const line = (figure: HTMLElement, region: string) =>
  figure.querySelector(`[data-line="${region}"]`)?.getAttribute("d");

describe("the charts", () => {
  it("say that they are being read", async () => {
    reply = () => new Promise(() => undefined);
    const { container } = show();
    expect(screen.getByRole("status").textContent).toBe("Reading the history");
    expect(container.querySelector('[data-state="loading"]')).not.toBeNull();
  });

  it("show each region’s lag and latency, and what all of them did", async () => {
    reply = json(answer());
    const { container } = show();
    const lag = await chart("Lag in Dublin");
    expect(container.querySelector('[data-state="fresh"]')).not.toBeNull();
    expect(screen.getAllByRole("figure")).toHaveLength(9);
    expect(lag.querySelector('[data-value="us-east-1"]')?.textContent).toBe("40 ms");
    expect(line(lag, "eu-west-1")).toBeUndefined();
    const writes = await chart("Writes captured");
    expect(writes.querySelector('[data-value="eu-west-1"]')?.textContent).toBe("2.5/s");
    // One of nine alike, and the switch of the window.
    for (const part of [lag, screen.getByRole("group", { name: "Time shown" })]) {
      expect((await axe.run(part, WITHOUT_CONTRAST)).violations).toEqual([]);
    }
  });

  it("leave a gap where nothing is known, and say so instead of zero", async () => {
    reply = json(answer(series("eu-west-1", [10, 20, null, null, null, null])));
    show();
    const lag = await chart("Lag in Dublin");
    expect(line(lag, "us-east-1")).toMatch(/^M0 \S+L20 \S+$/);
    expect(lag.querySelector('[data-value="us-east-1"]')?.textContent).toBe("unknown");
  });

  it("shade where a stream stood still", async () => {
    reply = json(answer(series("eu-west-1", fill(null), [null, null, null, null, 1, 1])));
    show();
    const lag = await chart("Lag in Dublin");
    expect(lag.querySelectorAll('[data-stalled="us-east-1"]')).toHaveLength(1);
    expect(lag.querySelector('[data-value="us-east-1"]')?.textContent).toBe("stalled");
    expect(lag.textContent).not.toContain("Nothing is known yet");
  });

  it("say which region could not be read, and why", async () => {
    reply = json(answer({ regionId: "eu-west-1", series: null, reason: "unreachable" }));
    show();
    const lag = await chart("Lag in Dublin");
    expect(lag.textContent).toContain("Dublin does not answer.");
    expect(lag.textContent).toContain("Nothing is known yet.");
    expect((await chart("Writes captured")).textContent).toContain("Dublin does not answer.");
  });

  it("read out a moment with the keyboard and the pointer", async () => {
    reply = json(answer(series("eu-west-1", [1, 2, 3, 4, 5, null])));
    show();
    const lag = await chart("Lag in Dublin");
    const slider = within(lag).getByRole("slider");
    const now = () => Number(slider.getAttribute("aria-valuenow"));
    // The present point has only begun.
    expect(now()).toBe(4);
    fireEvent.keyDown(slider, { key: "ArrowLeft" });
    expect(now()).toBe(3);
    expect(slider.getAttribute("aria-valuetext")).toMatch(/^12:00:45 UTC.*, Virginia 4 ms/);
    expect(lag.querySelector("[data-moment]")?.textContent).toContain("12:00:45 UTC");
    expect(lag.querySelector('[data-value="us-east-1"]')?.textContent).toBe("4 ms");
    fireEvent.keyDown(slider, { key: "Home" });
    fireEvent.keyDown(slider, { key: "ArrowLeft" });
    expect(now()).toBe(0);
    fireEvent.keyDown(slider, { key: "PageUp" });
    expect(now()).toBe(5);
    expect(lag.querySelector('[data-value="us-east-1"]')?.textContent).toBe("unknown");
    vi.spyOn(slider, "getBoundingClientRect").mockReturnValue(new DOMRect(100, 0, 200, 50));
    fireEvent.pointerMove(slider, { clientX: 181 });
    expect(now()).toBe(2);
    fireEvent.pointerLeave(slider);
    expect(now()).toBe(4);
  });

  it("are tables on request", async () => {
    reply = json(answer(series("eu-west-1", [1, null, 3, 4, 5, 6])));
    show();
    await chart("Lag in Dublin");
    fireEvent.click(screen.getByRole("button", { name: "Show as table: Lag in Dublin" }));
    const rows = within(screen.getByRole("region", { name: "Table: Lag in Dublin" })).getAllByRole(
      "row",
    );
    expect(
      rows.map((row) => row.textContent?.replace(/ · .*?(?=\d+ ms|unknown)/, "")),
    ).toHaveLength(POINTS + 1);
    expect(rows[0]?.textContent).toBe("TimeVirginiaSingapore");
    expect(within(rows[1]!).getAllByRole("cell")[0]?.textContent).toBe("6 ms");
    expect(within(rows[5]!).getAllByRole("cell")[0]?.textContent).toBe("unknown");
  });

  it("switch to the day", async () => {
    const asked: string[] = [];
    reply = async (url) => {
      asked.push(url);
      const day = url.endsWith("day");
      return Response.json({ ...answer(), ...(day ? { window: "day", stepMs: 360_000 } : {}) });
    };
    const { container } = show();
    await chart("Lag in Dublin");
    fireEvent.click(screen.getByRole("button", { name: "Last day" }));
    await vi.waitFor(() => expect(container.querySelector('[data-window="day"]')).not.toBeNull());
    expect(asked.at(-1)).toBe("/api/regions/metrics?window=day");
    expect(screen.getByRole("button", { name: "Last day" }).getAttribute("aria-pressed")).toBe(
      "true",
    );
  });

  it("say that they are old when polling fails, and what failed", async () => {
    reply = json(answer());
    const { container } = show();
    await chart("Lag in Dublin");
    reply = async () => new Response(null, { status: 503 });
    fireEvent.click(screen.getByRole("button", { name: "Last day" }));
    await vi.waitFor(() => expect(container.querySelector('[data-state="stale"]')).not.toBeNull());
    expect(screen.getByRole("alert").textContent).toContain("The server answered 503.");
    expect(screen.getAllByRole("figure")).toHaveLength(9);
  });

  it("say that nothing can be read", async () => {
    reply = async () => new Response(null, { status: 500 });
    const { container } = show();
    expect((await screen.findByRole("alert")).textContent).toContain("The history can’t be read.");
    expect(container.querySelector('[data-state="unavailable"]')).not.toBeNull();
    expect(screen.queryAllByRole("figure")).toEqual([]);
  });
});

describe("drawing", () => {
  it("takes a round scale from zero", () => {
    expect(scaleFor(0, 10)).toEqual({ max: 10, ticks: [0, 2.5, 5, 7.5, 10] });
    expect(scaleFor(87, 10).ticks).toEqual([0, 25, 50, 75, 100]);
    expect(scaleFor(230, 10).ticks).toEqual([0, 100, 200, 300]);
    for (const most of [0.3, 1, 7, 99, 100, 101, 4321]) {
      const { max, ticks } = scaleFor(most, 0.1);
      expect(max).toBeGreaterThanOrEqual(most);
      expect(ticks.length).toBeLessThanOrEqual(6);
    }
  });

  it("interrupts the line where a value is not known, and dots one alone", () => {
    expect(linePath([0, 10, null, 5, null, 10, 10], 10)).toBe(
      "M0 100L16.67 0M50 50h0M83.33 0L100 0",
    );
    expect(linePath([null, null], 10)).toBe("");
    expect(linePath([null, 4], 8)).toBe("M100 50h0");
    expect(runs([null, 1, 1, null, 1, 0])).toEqual([
      [1, 2],
      [4, 4],
    ]);
  });

  it("says values with their unit", () => {
    expect(formatValue(null, "ms")).toBe("unknown");
    expect(formatValue(0, "count")).toBe("0");
    expect(formatValue(1234.5, "per second")).toBe("1235/s");
    expect(["0.25", "2.5", "12.5k", "3M"]).toEqual([0.25, 2.5, 12_500, 3_000_000].map(formatTick));
    expect(chartsOf(answer()).flatMap(({ charts }) => charts.map(({ unit }) => unit))).toHaveLength(
      9,
    );
  });
});
