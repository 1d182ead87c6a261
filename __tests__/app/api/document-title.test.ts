import { expect, it, vi } from "vitest";
import { sessionUser } from "@/__tests__/support/session-user";
import { PATCH } from "@/app/api/documents/[id]/title/route";
import { getSessionUser } from "@/lib/auth/session";
import { parseRegionId } from "@/lib/db/multi-region-config";
import { readYourWrites } from "@/lib/db/read-your-writes";
import { updateDocument } from "@/lib/documents/write";
import { TOKEN_COOKIE } from "@/lib/request-context";

const jar = vi.hoisted(() => ({ get: vi.fn(), set: vi.fn(), delete: vi.fn() }));
vi.mock("next/headers", () => ({ cookies: async () => jar }));
vi.mock("@/lib/auth/session", () => ({ getSessionUser: vi.fn(), isSecureRequest: () => false }));
vi.mock("@/lib/auth/visitor", () => ({ getVisitor: async () => ({ vantage }) }));
vi.mock("@/lib/db/read-your-writes", () => ({
  readYourWrites: { parseToken: () => ({ kind: "none" }), issueToken: vi.fn(() => "a token") },
}));
vi.mock("@/lib/documents/write", () => ({ updateDocument: vi.fn() }));

const vantage = parseRegionId("us-east-1");
const user = sessionUser();

it("opens the session once, and keeps what it must see", async () => {
  vi.mocked(getSessionUser).mockResolvedValue(user);
  const open = new Map([[vantage, 7n]]);
  vi.mocked(updateDocument).mockResolvedValue({ ok: true, value: { clock: {} }, open } as never);
  const request = new Request("http://meridian.test/api/documents/d-1/title", {
    method: "PATCH",
    headers: { host: "meridian.test", origin: "http://meridian.test" },
    body: JSON.stringify({ title: "Notes", baseVersion: {} }),
  });
  const { status } = await PATCH(request, { params: Promise.resolve({ id: "d-1" }) });
  expect(status).toBe(200);
  expect(vi.mocked(getSessionUser).mock.calls).toHaveLength(1);
  expect(readYourWrites.issueToken).toHaveBeenCalledWith(user, open);
  expect(jar.set.mock.calls).toEqual([[TOKEN_COOKIE, "a token", expect.anything()]]);
});
