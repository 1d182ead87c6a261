import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { SWRConfig } from "swr";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { InventoryBoard, type InventoryAnswer } from "@/components/inventory/inventory-board";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import type { OrderFormState } from "@/components/orders/order-form-state";
import type { FormState } from "@/components/documents/form-state";
import type { Receipt } from "@/lib/db/read-your-writes";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const actions = vi.hoisted(() => ({
  reserveForm: vi.fn<(state: FormState, form: FormData) => Promise<FormState>>(),
  releaseForm: vi.fn<(state: FormState, form: FormData) => Promise<FormState>>(),
  startFlashSale: vi.fn<(productId: string) => Promise<unknown>>(),
}));
vi.mock("@/app/actions/inventory-actions", () => actions);
const orders = vi.hoisted(() => ({
  orderForm: vi.fn<(state: OrderFormState, form: FormData) => Promise<OrderFormState>>(),
}));
vi.mock("@/app/actions/order-actions", () => orders);

const receipt: Receipt = {
  kind: "read",
  level: "session",
  regionId: "us-east-1",
  vantage: "us-east-1",
  elapsedMs: 3,
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

const answer: InventoryAnswer = {
  products: [
    {
      productId: "globe",
      name: "Globe",
      priceMinor: 1_250,
      total: 1_200,
      byRegion: { "us-east-1": 900, "eu-west-1": 300, "ap-southeast-1": 0 },
      reserved: 7,
      sold: 40,
    },
  ],
  reservations: [
    {
      id: "r1",
      key: "k1",
      productId: "globe",
      quantity: 2,
      userId: "u1",
      regionId: "eu-west-1" as never,
      status: "held",
      createdAt: "2026-11-26T10:00:00.000Z",
      expiresAt: "2026-11-26T10:10:00.000Z",
    },
    {
      id: "r2",
      key: "k2",
      productId: "gone",
      quantity: 1,
      userId: "u1",
      regionId: "us-east-1" as never,
      status: "expired",
      createdAt: "2026-11-26T09:00:00.000Z",
      expiresAt: "2026-11-26T09:10:00.000Z",
    },
  ],
  receipt,
};

function show(initial: InventoryAnswer = answer) {
  return render(
    <SWRConfig value={{ provider: () => new Map() }}>
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <InventoryBoard initial={initial} />
      </RegionNamesProvider>
    </SWRConfig>,
  );
}

const respond = (status: number, body: unknown) =>
  vi.fn(async () => Response.json(body, { status })) as unknown as typeof fetch;

beforeEach(() => {
  vi.stubGlobal("fetch", respond(200, answer));
  for (const action of Object.values(actions)) action.mockReset();
});

describe("the inventory", () => {
  it("shows what is free, and who may sell it", () => {
    show();
    const card = screen.getByRole("listitem", { name: "Globe" });
    expect(within(card).getByText("€12.50 each")).toBeDefined();
    expect(within(card).getByText("Free").nextElementSibling?.textContent).toBe("1,200");
    expect(within(card).getByText("Reserved").nextElementSibling?.textContent).toBe("7");
    expect(within(card).getByText("Sold").nextElementSibling?.textContent).toBe("40");
    const rights = within(card).getByRole("table", { name: /Right to sell/ });
    expect(within(rights).getByRole("row", { name: "Dublin 300 units" })).toBeDefined();
    expect(within(rights).getByRole("row", { name: "Singapore 0 units" })).toBeDefined();
  });

  it("says that nothing is for sale, and nothing reserved", () => {
    show({ products: [], reservations: [], receipt });
    expect(screen.getByText(/Nothing is for sale/)).toBeDefined();
    expect(screen.getByText("You have reserved nothing yet.")).toBeDefined();
  });

  it("says that its figures are old when it can't ask", async () => {
    vi.stubGlobal("fetch", respond(503, {}));
    show();
    expect(await screen.findByText("These figures are out of date.")).toBeDefined();
    expect(screen.getByText("1,200")).toBeDefined();
  });

  it("sends each order under a key of its own, and one without an answer again under the same", async () => {
    const keys: unknown[] = [];
    actions.reserveForm.mockImplementation(async (_, form) => {
      keys.push(form.get("key"));
      if (keys.length === 2) return { status: "done", message: "Reserved 1.", receipt };
      const message = "No region answered.";
      return { status: "refused", code: "unavailable", message, fields: {}, values: {} };
    });
    show();
    const user = userEvent.setup();
    const press = () => user.click(screen.getByRole("button", { name: "Reserve" }));
    await press();
    expect((await screen.findByRole("alert")).textContent).toBe("No region answered.");
    await press();
    expect(await screen.findByText("Reserved 1.")).toBeDefined();
    await press();
    await vi.waitFor(() => expect(keys).toHaveLength(3));
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("gives back what is held, in the region that holds it, and nothing else", async () => {
    actions.releaseForm.mockResolvedValue({ status: "done", message: "Given back.", receipt });
    show();
    expect(screen.getByText(/A product that is no longer sold: expired/)).toBeDefined();
    expect(screen.getAllByRole("button", { name: /Give back/ })).toHaveLength(1);
    await userEvent.click(screen.getByRole("button", { name: "Give back 2 × Globe" }));
    const sent = actions.releaseForm.mock.calls[0]?.[1];
    expect(Object.fromEntries(sent ?? new FormData())).toEqual({
      reservationId: "r1",
      regionId: "eu-west-1",
    });
  });

  it("orders what is held under one key, until it is known what came of it", async () => {
    const keys: unknown[] = [];
    orders.orderForm.mockImplementation(async (_, form) => {
      keys.push(form.get("key"));
      return keys.length === 1
        ? { status: "indeterminate", step: "payment", message: "The goods are yours." }
        : { status: "placed", repeated: true, receipt };
    });
    show();
    expect(screen.getAllByRole("button", { name: /^Order/ })).toHaveLength(1);
    const order = screen.getByRole("button", { name: "Order 2 × Globe" });
    await userEvent.click(order);
    expect((await screen.findByRole("alert")).textContent).toMatch(/Indeterminate.*The goods/);
    await userEvent.click(order);
    expect(await screen.findByText("It was placed already: the same receipt.")).toBeDefined();
    expect(keys).toEqual(["r1", "r1"]);
  });

  it("tells what each region could sell in a flash sale", async () => {
    const regions = [
      { regionId: "us-east-1", local: 20, elsewhere: 0, soldOut: 0, unavailable: 0 },
      { regionId: "eu-west-1", local: 12, elsewhere: 3, soldOut: 4, unavailable: 1 },
    ];
    actions.startFlashSale.mockResolvedValue({ ok: true, result: { regions, elapsedMs: 412 } });
    show();
    await userEvent.click(screen.getByRole("button", { name: "Flash sale" }));
    const table = await screen.findByRole("table", { name: "Done in 412 ms" });
    expect(
      within(table).getByRole("row", { name: /^Dublin 12 3 4 and 1 without an answer/ }),
    ).toBeDefined();
    expect(actions.startFlashSale).toHaveBeenCalledWith("globe");
  });

  it("says so when a flash sale was not answered", async () => {
    actions.startFlashSale.mockRejectedValue(new Error("gone"));
    show();
    await userEvent.click(screen.getByRole("button", { name: "Flash sale" }));
    expect((await screen.findByRole("alert")).textContent).toMatch(/No answer came/);
  });
});
