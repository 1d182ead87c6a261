import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { LabView } from "@/components/lab/fault-lab";
import type { LabLink as LabHook } from "@/components/lab/use-lab";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { NOTHING_COUNTED, type Invariants, type LabState } from "@/lib/lab/lab-shape";
import { advance, newStory } from "@/lib/lab/stories/progress";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const [VIRGINIA, DUBLIN, SINGAPORE] = DEFAULT_REGIONS.map(({ id }) => id) as [
  string,
  string,
  string,
];

type Known = Extract<LabState["planet"], { kind: "known" }>;

function planet(change: Partial<Known> = {}): Known {
  return {
    kind: "known",
    redis: "running",
    regions: DEFAULT_REGIONS.map(({ id, city }) => ({
      id,
      city,
      database: "running",
      worker: "running",
      clockAheadMs: 0,
      leading: id === VIRGINIA ? { kind: "leads", epoch: "3" } : { kind: "follows" },
    })),
    links: [
      { from: VIRGINIA, to: DUBLIN, there: true, back: true, delayMs: 38, usualDelayMs: 38 },
      { from: VIRGINIA, to: SINGAPORE, there: true, back: true, delayMs: 110, usualDelayMs: 110 },
      { from: DUBLIN, to: SINGAPORE, there: true, back: true, delayMs: 85, usualDelayMs: 85 },
    ],
    ...change,
  };
}

function state(change: Partial<LabState> = {}): LabState {
  return {
    planet: planet(),
    load: { on: false, until: null },
    invariants: NOTHING_COUNTED,
    timeline: [],
    story: null,
    resetting: false,
    ...change,
  };
}

function show(shown: LabState | undefined, hook: Partial<LabHook> = {}) {
  const order = vi.fn<LabHook["order"]>().mockResolvedValue();
  const view = (
    <RegionNamesProvider regions={DEFAULT_REGIONS}>
      <LabView
        state={shown}
        error={undefined}
        refusal={null}
        busy={false}
        order={order}
        {...hook}
      />
    </RegionNamesProvider>
  );
  const { container } = render(view);
  return { order, container, user: userEvent.setup() };
}

const counted = (change: Partial<Invariants>): Invariants => ({ ...NOTHING_COUNTED, ...change });
const button = (name: string | RegExp) => screen.getByRole("button", { name });

describe("the fault lab", () => {
  it("asks before it has heard anything, and breaks nothing then", () => {
    show(undefined);
    expect(screen.getByText("Asking the planet…")).toBeVisible();
    expect(screen.getByRole("switch", { name: "Load" })).toBeDisabled();
    expect(button("Run it: Kill Virginia while you type")).toBeDisabled();
    expect(button("Reset everything")).toBeEnabled();
  });

  it("shows each region, each link and Redis, in words", () => {
    show(state());
    const picture = screen.getByRole("group", { name: /^The planet/ });
    expect(within(picture).getByRole("button", { name: /Virginia leads epoch 3/ })).toBeVisible();
    expect(within(picture).getByRole("button", { name: /Dublin follows/ })).toBeVisible();
    expect(within(picture).getByRole("button", { name: "Redis runs" })).toBeVisible();
    expect(
      within(picture).getByRole("button", { name: "Link Dublin–Singapore: 85 ms" }),
    ).toBeVisible();
  });

  it("kills the database of the region that was chosen by keyboard", async () => {
    const { order, user } = show(state());
    const dublin = button(/Dublin follows/);
    dublin.focus();
    await user.keyboard("{Enter}");
    expect(dublin).toHaveAttribute("aria-pressed", "true");
    await user.click(button("Kill the database"));
    expect(order).toHaveBeenCalledWith({
      to: "faults",
      body: { kind: "database", region: DUBLIN, action: "kill" },
    });
  });

  it("offers for a paused database what would change something", () => {
    const paused = planet();
    paused.regions[0] = {
      ...paused.regions[0]!,
      database: "stopped",
      leading: { kind: "unknown" },
    };
    show(state({ planet: paused }));
    expect(button(/Virginia database paused/)).toBeVisible();
    expect(button("Continue")).toBeEnabled();
    expect(button("Pause the database")).toBeDisabled();
    expect(button("Bring it back now")).toBeDisabled();
  });

  it("offers nothing for a database that is not of this planet", () => {
    const external = planet();
    external.regions[0] = { ...external.regions[0]!, database: null, worker: null };
    show(state({ planet: external }));
    for (const name of ["Kill the database", "Kill it and keep it down", "Kill the worker"]) {
      expect(button(name)).toBeDisabled();
    }
  });

  it("cuts a link in the direction that its button names", async () => {
    const { order, user } = show(state());
    await user.click(button(/^Link Virginia–Singapore/));
    await user.click(button("Cut Singapore → Virginia"));
    expect(order).toHaveBeenCalledWith({
      to: "faults",
      body: { kind: "link", from: VIRGINIA, to: SINGAPORE, action: "cut-back" },
    });
    expect(button("Heal")).toBeDisabled();
  });

  it("says which way is cut, and heals it", async () => {
    const broken = planet();
    broken.links[0] = { ...broken.links[0]!, there: false };
    const { order, user } = show(state({ planet: broken }));
    const link = button("Link Virginia–Dublin: cut one way, nothing gets from Virginia to Dublin");
    await user.click(link);
    await user.click(button("Heal"));
    expect(order).toHaveBeenCalledWith({
      to: "faults",
      body: { kind: "link", from: VIRGINIA, to: DUBLIN, action: "heal" },
    });
  });

  it("says that what is broken is unknown when the planet does not answer", () => {
    show(state({ planet: { kind: "unknown", message: "The planet's control does not answer." } }));
    expect(screen.getByText("What is broken is unknown.")).toBeVisible();
    expect(screen.queryByRole("group", { name: /^The planet/ })).toBeNull();
  });

  it("says that what it shows is old when polling fails", () => {
    show(state(), { error: new Error("The server answered 500.") });
    expect(screen.getByRole("alert")).toHaveTextContent("What is below is old.");
    expect(button("Kill the database")).toBeDisabled();
  });

  it("says why something was not done", () => {
    show(state(), { refusal: "A story is running, or a reset." });
    expect(screen.getByRole("alert")).toHaveTextContent("A story is running, or a reset.");
  });

  it("turns the load on, and off", async () => {
    const { order, user } = show(state());
    await user.click(screen.getByRole("switch", { name: "Load" }));
    expect(order).toHaveBeenCalledWith({ to: "load", body: { on: true } });
  });

  it("resets everything", async () => {
    const { order, user } = show(state());
    await user.click(button("Reset everything"));
    expect(order).toHaveBeenCalledWith({ to: "reset", body: {} });
  });
});

describe("the invariants", () => {
  it.each([
    ["nothing was written", {}, "Nothing was written yet"],
    ["all is found", { acknowledged: 5, everywhere: 5 }, "0 violations"],
    [
      "some is on its way",
      { acknowledged: 5, everywhere: 4, onTheWay: 1 },
      "0 violations; some writes are still on their way",
    ],
    [
      "a region is silent",
      { acknowledged: 5, unknown: 5, silent: [VIRGINIA] },
      "0 violations; Virginia can’t be asked",
    ],
    ["one is lost", { acknowledged: 5, lost: 1, silent: [VIRGINIA] }, "1 violation"],
    ["reads are stale", { acknowledged: 5, staleReads: 2 }, "2 violations"],
    ["two led", { dualLeaders: 1 }, "1 violation"],
    ["rows diverge", { divergent: 3 }, "3 violations"],
  ] as const)("when %s", (_when, change, text) => {
    const invariants = counted(change as Partial<Invariants>);
    show(state({ invariants }));
    const panel = screen.getByRole("region", { name: "Invariants" });
    expect(within(panel).getByText(text)).toBeVisible();
  });

  it("names who leads, or says that this is unknown", () => {
    const leaders = [{ regionId: DUBLIN, epoch: "4" }];
    show(state({ invariants: counted({ leaders }) }));
    expect(screen.getByRole("row", { name: "Leads now Dublin, epoch 4" })).toBeVisible();
  });

  it("does not say that nobody leads while somebody can't be asked", () => {
    show(state({ invariants: counted({ silent: [VIRGINIA] }) }));
    expect(screen.getByRole("row", { name: "Leads now unknown" })).toBeVisible();
  });
});

describe("a story on the page", () => {
  const begun = advance(newStory("both-sides", ["Cut", "Heal"]), { kind: "begin" });

  it("is told step by step, and nothing is broken by hand meanwhile", async () => {
    const { order, user } = show(state({ story: begun }));
    expect(screen.getByRole("status")).toHaveTextContent("Step 1 of 2: Cut");
    expect(button("Kill the database")).toBeDisabled();
    expect(button("Run it: Kill Virginia while you type")).toBeDisabled();
    await user.click(button("Stop the story"));
    expect(order).toHaveBeenCalledWith({ to: "story", body: { action: "stop" } });
  });

  it("ends with what was found, and how many violations there were", () => {
    const ended = (["pass", "begin", "pass"] as const).reduce(
      (story, kind) =>
        advance(story, kind === "pass" ? { kind, detail: "Found.", ms: 1_500 } : { kind }),
      advance(begun, { kind: "link", href: "/documents/d", label: "Open the document" }),
    );
    show(state({ story: { ...ended, violations: 0 } }));
    expect(screen.getByRole("status")).toHaveTextContent("Edit on both sides of a cut: passed.");
    expect(screen.getAllByText("Found.")).toHaveLength(2);
    expect(screen.getByText("0 violations while it ran.")).toBeVisible();
    expect(screen.getByRole("link", { name: /Open the document/ })).toHaveAttribute(
      "href",
      "/documents/d",
    );
    expect(button("Run it: Edit on both sides of a cut")).toBeEnabled();
  });

  it("says at which step it failed", () => {
    const failed = advance(begun, {
      kind: "fail",
      detail: "The cut let something through.",
      ms: 9,
    });
    show(state({ story: { ...failed, violations: 1 } }));
    expect(screen.getByText("The cut let something through.")).toBeVisible();
    expect(screen.getByText("1 violation while it ran.")).toBeVisible();
  });
});

it("tells what was done, what happened and what must not happen apart", () => {
  const at = "2026-01-01T12:00:00.500Z";
  show(
    state({
      timeline: [
        { id: 3, at, kind: "violation", text: "Two led." },
        { id: 2, at, kind: "happened", text: "Dublin leads epoch 4." },
        { id: 1, at, kind: "done", text: "Killed the database of Virginia." },
      ],
    }),
  );
  const kinds = screen.getAllByRole("listitem").flatMap((item) => item.dataset.event ?? []);
  expect(kinds).toEqual(["violation", "happened", "done"]);
});
