import { act, render, screen } from "@testing-library/react";
import axe from "axe-core";
import type { ReactElement } from "react";
import { SWRConfig } from "swr";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AlarmList } from "@/components/multi-region/alarm-list";
import { describeEvent, EventList } from "@/components/multi-region/event-list";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import type { Alarm, AlarmAnswer } from "@/lib/alarms/alarm";
import { EVENT_KINDS, type EventAnswer, type RegionEvent } from "@/lib/events/event";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const AT = "2026-11-26T12:00:00.000Z";

const LONG: Alarm = {
  id: "long-transaction eu-west-1 4711",
  kind: "long-transaction",
  severity: "warning",
  regionId: "eu-west-1",
  title: "A transaction of 20 s holds back all that Dublin tells.",
  cause: "Nothing after it is told.",
  whatToDo: "Run SELECT pg_terminate_backend(4711) there.",
  since: AT,
  details: [
    { label: "Process", value: "4711" },
    { label: "Query", value: `UPDATE "Document" SET title = '…'` },
  ],
};
const GONE: Alarm = {
  id: "no-leader",
  kind: "no-leader",
  severity: "critical",
  regionId: null,
  title: "No region that answers holds the lease.",
  cause: "The leader is lost.",
  whatToDo: "Wait.",
};

let reply: () => Promise<Response>;
const json = (body: AlarmAnswer | EventAnswer) => async () => Response.json(body);

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  vi.stubGlobal(
    "fetch",
    vi.fn(() => reply()),
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function show(what: ReactElement) {
  return render(
    <SWRConfig value={{ provider: () => new Map(), dedupingInterval: 0 }}>
      <RegionNamesProvider regions={DEFAULT_REGIONS}>{what}</RegionNamesProvider>
    </SWRConfig>,
  );
}

async function becomes(container: HTMLElement, state: string): Promise<void> {
  await vi.waitFor(() => expect(container.querySelector(`[data-state="${state}"]`)).not.toBeNull());
}

/** The time of a poll goes by. */
const poll = () => act(() => vi.advanceTimersByTimeAsync(11_000));

async function faultless(container: HTMLElement): Promise<void> {
  const { violations } = await axe.run(container, {
    rules: { "color-contrast": { enabled: false } },
  });
  expect(violations).toEqual([]);
}

describe("AlarmList", () => {
  it("does not say that all is well before it knows", async () => {
    reply = () => new Promise(() => undefined);
    const { container } = show(<AlarmList />);
    await becomes(container, "loading");
    expect(screen.getByRole("status").textContent).toBe("Asking the regions");
    expect(screen.queryByText("All is well.")).toBeNull();
  });

  it("says that all is well, and when that was checked", async () => {
    reply = json({ alarms: [], checkedAt: AT });
    const { container } = show(<AlarmList />);
    await screen.findByText("All is well.");
    expect(container.querySelector("time")?.dateTime).toBe(AT);
    await faultless(container);
  });

  it("shows each alarm with its cause, what to do, and the transaction", async () => {
    reply = json({ alarms: [GONE, LONG], checkedAt: AT });
    const { container } = show(<AlarmList />);
    const long = await screen.findByRole("group", { name: LONG.title });
    expect(long.textContent).toContain("Warning");
    expect(long.textContent).toContain("Dublin");
    expect(long.textContent).toContain("4711");
    expect(long.textContent).toContain(`UPDATE "Document" SET title = '…'`);
    expect(long.textContent).toContain("What to do: Run SELECT pg_terminate_backend(4711) there.");
    expect(screen.getByRole("group", { name: GONE.title }).dataset.severity).toBe("critical");
    expect(screen.queryByText("All is well.")).toBeNull();
    expect(screen.getByRole("status").textContent).toBe("Alarms: 2");
    await faultless(container);
  });

  it("does not go on saying that all is well when nobody answers", async () => {
    reply = json({ alarms: [], checkedAt: AT });
    const { container } = show(<AlarmList />);
    await screen.findByText("All is well.");
    reply = async () => new Response(null, { status: 502 });
    await poll();
    await becomes(container, "stale");
    expect(screen.queryByText("All is well.")).toBeNull();
    expect(screen.getByText("All was well.")).toBeDefined();
    expect(screen.getByRole("alert").textContent).toContain("The server answered 502.");
  });

  it("says that the alarms can’t be read", async () => {
    reply = async () => new Response(null, { status: 500 });
    const { container } = show(<AlarmList />);
    await becomes(container, "unavailable");
    expect(screen.getByRole("alert").textContent).toContain("The alarms can’t be read.");
  });
});

describe("EventList", () => {
  const event = (changes: Partial<RegionEvent> = {}): RegionEvent => ({
    id: "us-east-1 1",
    at: AT,
    kind: "unreachable",
    subject: "ap-southeast-1",
    detail: "",
    seenBy: ["us-east-1", "eu-west-1"],
    ...changes,
  });

  it("shows what happened, and whose memory is missing", async () => {
    reply = json({ events: [event()], missing: ["ap-southeast-1"] });
    const { container } = show(<EventList />);
    expect((await screen.findByText(/could not be reached/)).textContent).toBe(
      "could not be reached from Virginia and Dublin",
    );
    expect(screen.getByText(/they do not answer/).textContent).toContain("Singapore");
    await faultless(container);
  });

  it("is loading, empty, stale and unavailable", async () => {
    reply = () => new Promise(() => undefined);
    const first = show(<EventList />);
    await becomes(first.container, "loading");
    first.unmount();
    reply = json({ events: [], missing: [] });
    const second = show(<EventList />);
    await screen.findByText("Nothing has changed since the regions were set up.");
    reply = async () => new Response(null, { status: 503 });
    await poll();
    await becomes(second.container, "stale");
    second.unmount();
    const third = show(<EventList />);
    await becomes(third.container, "unavailable");
    expect(screen.getByRole("alert").textContent).toContain("The events can’t be read.");
  });

  it("has words of its own for every kind", () => {
    const texts = EVENT_KINDS.map((kind) =>
      describeEvent(event({ kind, detail: "130" }), (id) => id),
    );
    expect(new Set(texts).size).toBe(EVENT_KINDS.length);
    expect(texts).toContain("leads, in epoch 130");
    expect(texts).toContain("has a worker again, after 2 min");
  });
});
