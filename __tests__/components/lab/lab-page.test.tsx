import { beforeEach, describe, expect, it, vi } from "vitest";
import LabPage from "@/app/admin/lab/page";
import { getSessionUser } from "@/lib/auth/session";
import { findLab, type Lab } from "@/lib/lab/lab";

vi.mock("@/lib/lab/lab", () => ({ findLab: vi.fn() }));
vi.mock("@/lib/auth/session", () => ({ getSessionUser: vi.fn(), requireAdmin: vi.fn() }));

const { requireAdmin } = vi.mocked(await import("@/lib/auth/session"));

beforeEach(() => {
  vi.mocked(findLab).mockReset();
  vi.mocked(getSessionUser).mockReset();
  requireAdmin.mockReset();
});

describe("the page of the fault lab", () => {
  it("is not found off the local planet, before anybody is asked who they are", async () => {
    vi.mocked(findLab).mockReturnValue(null);
    await expect(LabPage()).rejects.toThrow("NEXT_HTTP_ERROR_FALLBACK;404");
    expect(requireAdmin).not.toHaveBeenCalled();
  });

  it("is refused to a plain user before it shows anything", async () => {
    vi.mocked(findLab).mockReturnValue({} as Lab);
    requireAdmin.mockRejectedValue(new Error("403"));
    await expect(LabPage()).rejects.toThrow("403");
  });
});
