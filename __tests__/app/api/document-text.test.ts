import { expect, it, vi } from "vitest";
import { sessionUser } from "@/__tests__/support/session-user";
import { GET } from "@/app/api/documents/[id]/text/route";
import { parseRegionId } from "@/lib/db/multi-region-config";
import { readText } from "@/lib/documents/text/read-text";
import { getRequestContext } from "@/lib/request-context";

const meet = vi.hoisted(() => vi.fn());
vi.mock("@/lib/request-context", () => ({ getRequestContext: vi.fn(), keepToken: vi.fn() }));
vi.mock("@/lib/documents/text/read-text", () => ({ readText: vi.fn() }));
vi.mock("@/lib/documents/text/presence", () => ({ defaultPresence: () => ({ meet }) }));

it("tells the others in a document the name that may be told in every region", async () => {
  const vantage = parseRegionId("us-east-1");
  const user = sessionUser({ publicName: "Somebody 4f2a1c" });
  const token = { kind: "none" } as const;
  vi.mocked(getRequestContext).mockResolvedValue({
    user,
    vantage,
    token,
    local: false,
    place: vantage,
  });
  vi.mocked(readText).mockResolvedValue({
    marker: "m",
    clock: {},
    title: "Notes",
    access: "editor",
    regionId: vantage,
  });
  meet.mockResolvedValue([]);
  const request = new Request("http://meridian.test/api/documents/d-1/text?tab=t");
  const { status } = await GET(request, { params: Promise.resolve({ id: "d-1" }) });
  expect(status).toBe(200);
  expect(meet).toHaveBeenCalledWith(vantage, "d-1", {
    userId: "u-1",
    name: "Somebody 4f2a1c",
    tab: "u-1:t",
  });
});
