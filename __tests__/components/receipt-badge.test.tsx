import { render, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { pictureOf } from "@/components/multi-region/receipt-picture";
import { describeReceipt, formatMs } from "@/components/multi-region/receipt-text";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import type { Receipt, RouteReason } from "@/lib/db/read-your-writes";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const READ: Receipt = {
  kind: "read",
  level: "session",
  regionId: "ap-southeast-1",
  vantage: "ap-southeast-1",
  elapsedMs: 12.4,
  waitedMs: 0,
  redirected: false,
  reason: "nearest",
  required: {},
  applied: {},
  stale: false,
  sessionComplete: true,
  epoch: 1,
  leader: "us-east-1",
};

const REASONS = [
  "nearest",
  "waited",
  "primary",
  "redirected-behind",
  "redirected-down",
  "redirected-leader",
  "redirected-rights",
  "redirected-residency",
  "invalid-token",
  "stale-fallback",
  "no-lease",
  "quorum",
  "no-quorum",
] as const satisfies readonly RouteReason[];

function show(receipt: Partial<Receipt>) {
  const { container } = render(
    <RegionNamesProvider regions={DEFAULT_REGIONS}>
      <ReceiptBadge receipt={{ ...READ, ...receipt }} />
    </RegionNamesProvider>,
  );
  const summary = container.querySelector("summary");
  if (!summary) throw new Error("The badge has no summary");
  return { badge: within(summary), container };
}

describe("receipt badge", () => {
  it("names the region, the time and that nothing was in the way", () => {
    const { badge } = show({});
    expect(badge.getByText("Singapore")).toBeInTheDocument();
    expect(badge.getByText("12 ms")).toBeInTheDocument();
    expect(badge.getByText("nearest")).toBeInTheDocument();
    expect(screen.getByText(/has no write that it could miss/)).toBeInTheDocument();
  });

  it("says how long a read waited", () => {
    const { badge } = show({ reason: "waited", waitedMs: 34.2, elapsedMs: 41 });
    expect(badge.getByText("waited 34 ms")).toBeInTheDocument();
    expect(screen.getByText("41 ms, 34 ms of it to find a fresh region")).toBeInTheDocument();
  });

  it("says why another region answered", () => {
    const { badge } = show({
      reason: "redirected-behind",
      redirected: true,
      regionId: "us-east-1",
    });
    expect(badge.getByText("Virginia")).toBeInTheDocument();
    expect(badge.getByText("redirected, Singapore was behind")).toBeInTheDocument();
  });

  it("compares 64-bit positions as integers and marks what was missing", () => {
    show({
      reason: "stale-fallback",
      stale: true,
      required: { "us-east-1": "9007199254740993" },
      applied: { "us-east-1": "9007199254740992" },
    });
    expect(screen.getByText("9007199254740993")).toBeInTheDocument();
    expect(screen.getByText("(behind)")).toBeInTheDocument();
  });

  it("does not mark what was there", () => {
    show({ required: { "us-east-1": "99" }, applied: { "us-east-1": "100" } });
    expect(screen.queryByText("(behind)")).not.toBeInTheDocument();
    expect(screen.getByText(/already had everything this session has seen/)).toBeInTheDocument();
  });

  it("draws what each region had beside what was required, and says it", () => {
    show({
      reason: "redirected-behind",
      redirected: true,
      regionId: "us-east-1",
      required: { "us-east-1": "9007199254740993" },
      applied: { "us-east-1": "9007199254740993" },
      candidates: [
        { regionId: "ap-southeast-1", down: false, applied: { "us-east-1": "9007199254740992" } },
        { regionId: "eu-west-1", down: true, applied: {} },
        { regionId: "us-east-1", down: false, applied: { "us-east-1": "9007199254740993" } },
      ],
    });
    const picture = screen.getByRole("img");
    expect(picture).toHaveAccessibleName(
      "Singapore (asked from here) lacks some of what was required. Dublin does not answer. " +
        "Virginia (answered) has all that was required.",
    );
    expect(within(picture).getByText("behind")).toBeInTheDocument();
    expect(within(picture).getByText("down")).toBeInTheDocument();
    expect(within(picture).getByText("has it")).toBeInTheDocument();
  });

  it("draws nothing where nothing had to be there", () => {
    const { container } = show({ candidates: [] });
    expect(container.querySelector("[role='img']")).toBeNull();
  });

  it("says when only part of the session was known", () => {
    show({ sessionComplete: false });
    expect(screen.getByText(/Redis is away/)).toBeInTheDocument();
  });

  it("shows where a write went, and its position", () => {
    const { badge } = show({
      kind: "write",
      reason: "redirected-down",
      regionId: "eu-west-1",
      applied: { "eu-west-1": "1234" },
    });
    expect(badge.getByText("written here, Singapore is down")).toBeInTheDocument();
    expect(screen.getByText("1234")).toBeInTheDocument();
  });

  it("says which regions an answer is from, and which have something to fetch", () => {
    const { badge } = show({
      reason: "quorum",
      copies: { needed: 2, regions: ["ap-southeast-1", "eu-west-1"] },
      repaired: ["ap-southeast-1"],
    });
    expect(badge.getByText("from 2 regions")).toBeInTheDocument();
    expect(screen.getByText(/what Singapore and Dublin have together/)).toBeInTheDocument();
    expect(screen.getByText(/Singapore lacked some of it/)).toBeInTheDocument();
  });

  it("says when too few regions answered, or have a write", () => {
    const { badge } = show({
      reason: "no-quorum",
      stale: true,
      copies: { needed: 2, regions: [] },
    });
    expect(badge.getByText("too few regions answered")).toBeInTheDocument();
    const lost = describeReceipt({ ...READ, kind: "write", quorum: "unconfirmed" }, (id) => id);
    expect(lost).toMatchObject({ tone: "bad", short: "not confirmed elsewhere yet" });
  });

  it("says when the leader alone has what a strong read shows", () => {
    const { badge } = show({ level: "strong", quorum: "unconfirmed" });
    expect(badge.getByText("not confirmed elsewhere yet")).toBeInTheDocument();
    expect(screen.getByText(/may yet be lost with Singapore/)).toBeInTheDocument();
  });

  it("says when an answer is one that the region has kept", () => {
    show({ fromCache: true });
    expect(screen.getByText("Kept by").nextElementSibling).toHaveTextContent(/Redis/);
  });

  it("calls a region that left the configuration by its id", () => {
    const { badge } = show({ regionId: "mars-1" });
    expect(badge.getByText("mars-1")).toBeInTheDocument();
  });

  it("shows text from a row as text", () => {
    const { container } = show({ applied: { "<img src=x onerror=alert(1)>": "1" } });
    expect(container.querySelector("img")).toBeNull();
  });

  it("has a sentence for every reason of a read and a write", () => {
    for (const reason of REASONS) {
      for (const kind of ["read", "write"] as const) {
        const text = describeReceipt({ ...READ, kind, reason }, (id) => id);
        expect(text.short.length).toBeGreaterThan(0);
        expect(text.long).toMatch(/\.$/);
      }
    }
  });
});

describe("the picture of a receipt", () => {
  const NOTHING: Record<string, string> = {};
  const reaches = (...applied: (string | undefined)[]) =>
    pictureOf({
      ...READ,
      required: { "us-east-1": "9223372036854775807" },
      candidates: applied.map((position, index) => ({
        regionId: `region-${index}`,
        down: false,
        applied: position === undefined ? NOTHING : { "us-east-1": position },
      })),
    }).map(({ state, bars }) => [state, bars[0]?.reach]);

  it("tells positions apart that are one and the same as numbers", () => {
    expect(reaches("9223372036854775806", "9223372036854775807")).toEqual([
      ["behind", 20],
      ["has-all", 100],
    ]);
  });

  it("puts those that are behind in order, short of the mark", () => {
    const [least, half, nearly] = reaches("0", "4611686018427387904", "9223372036854775806");
    expect(least).toEqual(["behind", 20]);
    expect(half?.[1]).toBeGreaterThan(40);
    expect(nearly?.[1]).toBeLessThanOrEqual(85);
    expect(nearly?.[1]).toBeGreaterThan(half?.[1] as number);
  });

  it("knows nothing of a region that has said nothing, or no position", () => {
    expect(reaches(undefined, "-1")).toEqual([
      ["unknown", 0],
      ["behind", 0],
    ]);
  });
});

describe("formatMs", () => {
  it.each([
    [0, "0 ms"],
    [0.4, "<1 ms"],
    [12.4, "12 ms"],
    [1500, "1.5 s"],
    [65_000, "65 s"],
    [Number.NaN, "unknown"],
    [Infinity, "unknown"],
    [-1, "unknown"],
  ])("%s is %s", (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });
});
