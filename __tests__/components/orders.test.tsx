import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { SWRConfig } from "swr";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { money } from "@/components/orders/money";
import { OrderBoard, type OrdersAnswer } from "@/components/orders/order-board";
import type { OrderFormState } from "@/components/orders/order-form-state";
import type { Receipt } from "@/lib/db/read-your-writes";
import type { OrderView } from "@/lib/ecommerce/order-types";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const actions = vi.hoisted(() => ({
  orderForm: vi.fn<(state: OrderFormState, form: FormData) => Promise<OrderFormState>>(),
}));
vi.mock("@/app/actions/order-actions", () => actions);

const receipt: Receipt = {
  kind: "read",
  level: "strong",
  regionId: "us-east-1",
  vantage: "eu-west-1",
  elapsedMs: 80,
  waitedMs: 0,
  redirected: true,
  reason: "redirected-leader",
  required: {},
  applied: {},
  stale: false,
  sessionComplete: true,
  epoch: 3,
  leader: "us-east-1",
};

const placed: OrderView = {
  id: "o1",
  key: "k1",
  userId: "u1",
  reservationId: "r1",
  regionId: "eu-west-1" as never,
  productId: "globe",
  productName: "Globe",
  quantity: 2,
  amountMinor: 125_000,
  createdAt: "2026-11-26T10:00:00.000Z",
  status: "placed",
  reservationStatus: "confirmed",
  paidAt: "2026-11-26T10:00:01.000Z",
  epoch: 3,
  entries: [
    { id: "e1", transferId: "t1", account: "buyer:u1", side: "debit", amountMinor: 125_000 },
    { id: "e2", transferId: "t1", account: "sales", side: "credit", amountMinor: -125_000 },
  ],
};
const open: OrderView = {
  ...placed,
  id: "o2",
  key: "k2",
  reservationId: "r2",
  quantity: 1,
  status: "unsettled",
  reservationStatus: "held",
  paidAt: null,
  epoch: null,
  entries: [],
};
const refusedOrder: OrderView = { ...open, id: "o3", status: "refused", productName: null };

const account = {
  account: "buyer:u1",
  debitsMinor: 125_000,
  creditsMinor: 0,
  balanceMinor: 125_000,
};
const answer: OrdersAnswer = { orders: [open, placed, refusedOrder], account, receipt };

function show(initial: OrdersAnswer = answer) {
  return render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <OrderBoard initial={initial} />
      </RegionNamesProvider>
    </SWRConfig>,
  );
}

const respond = (status: number, body: unknown) =>
  vi.fn(async () => Response.json(body, { status })) as unknown as typeof fetch;

beforeEach(() => {
  vi.stubGlobal("fetch", respond(200, answer));
  actions.orderForm.mockReset();
});

describe("orders", () => {
  it("say how they stand, what is owed, and which entries they made", async () => {
    show();
    expect(screen.getByText("Owed").nextElementSibling?.textContent).toBe("€1,250.00");
    expect(screen.getByText("placed")).toBeDefined();
    expect(screen.getByText("refused: nothing is owed")).toBeDefined();
    expect(screen.getByText(/A product that is no longer sold/)).toBeDefined();
    await userEvent.click(screen.getByText("Ledger entries"));
    const table = screen.getByRole("table", { name: "Ledger entries of 2 × Globe" });
    expect(within(table).getByRole("row", { name: "yours €1,250.00" })).toBeDefined();
    expect(within(table).getByRole("row", { name: "sales €1,250.00" })).toBeDefined();
  });

  it("say that there are none, and where to begin", () => {
    const none = { ...account, debitsMinor: 0, balanceMinor: 0 };
    show({ orders: [], account: none, receipt });
    expect(screen.getByText(/You have ordered nothing yet/)).toBeDefined();
    expect(screen.getByRole("link", { name: "inventory" }).getAttribute("href")).toBe("/inventory");
    expect(screen.getByText("None of your orders is unsettled now.")).toBeDefined();
  });

  it("explain what indeterminate means, and how many are", () => {
    show();
    const section = screen.getByRole("region", { name: "What “indeterminate” means" });
    expect(within(section).getByText("1 of your orders is unsettled now.")).toBeDefined();
    expect(within(section).getByText(/would be a guess/)).toBeDefined();
  });

  it("are settled by their own key, those alone that are not settled", async () => {
    actions.orderForm.mockResolvedValue({ status: "placed", repeated: false, receipt });
    show();
    expect(screen.getAllByRole("button", { name: /^Settle/ })).toHaveLength(1);
    await userEvent.click(screen.getByRole("button", { name: "Settle 1 × Globe" }));
    expect(await screen.findByText("Ordered and paid.")).toBeDefined();
    const sent = actions.orderForm.mock.calls[0]?.[1];
    expect(Object.fromEntries(sent ?? new FormData())).toEqual({
      reservationId: "r2",
      regionId: "eu-west-1",
      key: "k2",
    });
  });

  it("say that it is still not known, and may be asked again", async () => {
    actions.orderForm.mockResolvedValue({
      status: "indeterminate",
      step: "reservation",
      message: "The order is recorded.",
    });
    show();
    await userEvent.click(screen.getByRole("button", { name: "Settle 1 × Globe" }));
    expect((await screen.findByRole("alert")).textContent).toMatch(/never makes it twice/);
    expect(screen.getByRole("button", { name: "Settle 1 × Globe" }).textContent).toBe("Try again");
  });

  it("say that they are old when they can't be asked for, or nobody leads", async () => {
    vi.stubGlobal("fetch", respond(503, {}));
    show({ ...answer, receipt: { ...receipt, stale: true, reason: "no-lease" } });
    expect(screen.getByText("No region could show that it leads.")).toBeDefined();
    expect(await screen.findByText("These figures are out of date.")).toBeDefined();
  });
});

describe("an amount", () => {
  it.each([
    [0, "€0.00"],
    [-0, "€0.00"],
    [5, "€0.05"],
    [-123_456_789, "-€1,234,567.89"],
  ])("of %d cents is %s", (minor, text) => {
    expect(money(minor)).toBe(text);
  });
});
