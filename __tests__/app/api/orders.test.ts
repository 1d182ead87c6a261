import { beforeEach, describe, expect, it, vi } from "vitest";
import { sessionUser } from "@/__tests__/support/session-user";
import { GET, POST } from "@/app/api/orders/route";
import { getSessionUser } from "@/lib/auth/session";
import { parseRegionId } from "@/lib/db/multi-region-config";
import { orderDesk } from "@/lib/ecommerce/orders";

/* What each outcome of an order is told as: the desk itself is tested with databases. */

vi.mock("next/headers", () => ({ cookies: async () => ({ get: () => undefined }) }));
vi.mock("@/lib/auth/session", () => ({ getSessionUser: vi.fn(), isSecureRequest: () => false }));
vi.mock("@/lib/auth/visitor", () => ({ getVisitor: async () => ({ vantage }) }));
vi.mock("@/lib/db/read-your-writes", () => ({
  readYourWrites: { parseToken: () => ({ kind: "none" }) },
}));
vi.mock("@/lib/ecommerce/orders", () => ({ orderDesk: { place: vi.fn() } }));

const vantage = parseRegionId("us-east-1");
const OWN = { host: "meridian.test", origin: "http://meridian.test", "idempotency-key": "key-1" };
const BODY = { reservationId: "r-1", regionId: "eu-west-1" };

beforeEach(() => {
  vi.mocked(getSessionUser).mockResolvedValue(sessionUser());
  vi.mocked(orderDesk.place).mockReset();
});

async function post(headers: Record<string, string> = OWN, body: unknown = BODY) {
  const url = "http://meridian.test/api/orders";
  const request = new Request(url, { method: "POST", headers, body: JSON.stringify(body) });
  const response = await POST(request);
  return { status: response.status, body: (await response.json()) as unknown };
}

describe("an order by the route", () => {
  it.each(["order", "reservation", "payment"] as const)(
    "is 202 with its key while nobody can say whether its %s is there",
    async (step) => {
      const open = { kind: "indeterminate", key: "key-1", step } as const;
      vi.mocked(orderDesk.place).mockResolvedValue(open as never);
      const { status, body } = await post();
      expect(status).toBe(202);
      expect(body).toMatchObject({ ok: false, code: "indeterminate", key: "key-1", step });
      expect(orderDesk.place).toHaveBeenCalledWith(vantage, {
        userId: sessionUser().userId,
        key: "key-1",
        ...BODY,
      });
    },
  );

  it("is 503 where a region that has to take part does not answer, and nothing was written", async () => {
    vi.mocked(orderDesk.place).mockResolvedValue({ kind: "unavailable" } as never);
    const { status, body } = await post();
    expect(status).toBe(503);
    expect(body).toMatchObject({ ok: false, code: "unavailable" });
  });

  it.each([
    ["key-reused", 409],
    ["reservation-over", 409],
    ["reservation-ordered", 409],
    ["unknown-reservation", 404],
  ] as const)("is refused for %s with %i", async (reason, expected) => {
    vi.mocked(orderDesk.place).mockResolvedValue({ kind: "refused", reason } as never);
    const { status, body } = await post();
    expect(status).toBe(expected);
    expect(body).toMatchObject({ ok: false, message: expect.stringMatching(/\w/) as string });
  });

  it("reaches the desk from no other site, from nobody who is not signed in, and with no nonsense", async () => {
    const { "idempotency-key": _, ...keyless } = OWN;
    expect((await post({ ...OWN, origin: "http://elsewhere.test" })).status).toBe(403);
    expect((await post(keyless)).status).toBe(422);
    expect((await post(OWN, { ...BODY, regionId: "moon-1" })).status).toBe(422);
    expect((await post(OWN, [])).status).toBe(422);
    vi.mocked(getSessionUser).mockResolvedValue(null);
    expect((await post()).status).toBe(401);
    expect((await GET()).status).toBe(401);
    expect(orderDesk.place).not.toHaveBeenCalled();
  });
});
