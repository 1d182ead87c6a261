import { cleanup, render, screen } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { sessionUser } from "@/__tests__/support/session-user";
import { requireActor } from "@/app/actor";
import AccountPage from "@/app/account/page";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { readAccount, type AccountView } from "@/lib/auth/read-account";
import { requireUser } from "@/lib/auth/session";
import { parseRegionId } from "@/lib/db/multi-region-config";
import type { Receipt } from "@/lib/db/read-your-writes";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import {
  placesOfAccounts,
  readPlacements,
  readPresence,
  type PlacementView,
} from "@/lib/residency/placements";

vi.mock("@/app/actor", () => ({ requireActor: vi.fn() }));
vi.mock("@/app/actions/account-actions", () => ({
  changeAccountResidencyForm: vi.fn(),
  signOutEverywhereForm: vi.fn(),
}));
vi.mock("@/app/actions/content-actions", () => ({ changeArticleResidencyForm: vi.fn() }));
vi.mock("@/app/actions/document-forms", () => ({ changeResidencyForm: vi.fn() }));
vi.mock("@/components/multi-region/receipt-badge", () => ({ ReceiptBadge: () => null }));
vi.mock("@/lib/auth/read-account", () => ({ readAccount: vi.fn() }));
vi.mock("@/lib/auth/session", () => ({ requireUser: vi.fn() }));
vi.mock("@/lib/residency/placements", () => ({
  placesOfAccounts: vi.fn(),
  readPlacements: vi.fn(),
  readPresence: vi.fn(),
}));

const EU = parseRegionId("eu-west-1");
const RECEIPT = {} as Receipt;
const PLACEMENT: PlacementView = {
  entity: "User",
  id: "u-1",
  residency: "eu",
  regions: [EU],
  updatedAt: "2026-11-26T12:00:00.000Z",
};

async function show(
  account: AccountView | null,
  placements: PlacementView[],
  pending = false,
): Promise<void> {
  vi.mocked(readAccount).mockResolvedValue({ value: account, receipt: RECEIPT, pending });
  vi.mocked(readPlacements).mockResolvedValue({ value: placements, receipt: RECEIPT });
  const page = await AccountPage();
  render(<RegionNamesProvider regions={DEFAULT_REGIONS}>{page}</RegionNamesProvider>);
}

beforeEach(() => {
  vi.mocked(requireActor).mockResolvedValue({ userId: "u-1", vantage: EU });
  vi.mocked(requireUser).mockResolvedValue(sessionUser());
  vi.mocked(placesOfAccounts).mockReturnValue([{ name: "eu", regions: [EU] }]);
  vi.mocked(readPresence).mockResolvedValue([{ regionId: EU, held: { rows: 1, events: 0 } }]);
});

const ADA = { name: "Ada", email: "ada@example.com" };

describe("the page of an account", () => {
  it("says that every region has it, and lets it be kept somewhere", async () => {
    await show({ publicName: "Ada", kept: false, person: ADA }, []);
    expect(screen.getByText("Every region may have your name and address.")).toBeTruthy();
    expect(screen.getByLabelText<HTMLSelectElement>("Kept in").value).toBe("");
    expect(screen.getByRole("button", { name: "Sign out everywhere else" })).toBeTruthy();
  });

  it("shows what each region has, and under which name others know the person", async () => {
    await show({ publicName: "Somebody u-1", kept: true, person: ADA }, [PLACEMENT]);
    expect(screen.getByText("Ada")).toBeTruthy();
    expect(screen.getByText("Somebody u-1, where your name is not kept")).toBeTruthy();
    expect(screen.getByText("as it should be")).toBeTruthy();
    expect(screen.getByLabelText<HTMLSelectElement>("Kept in").value).toBe("eu");
    expect(screen.queryByText(/Choose the place once more/)).toBeNull();
  });

  it("says that the leader has not taken the name away", async () => {
    await show({ publicName: "Ada", kept: false, person: ADA }, [PLACEMENT]);
    expect(screen.getByText(/Choose the place once more/)).toBeTruthy();
  });

  it("says that a version of it could not be stored here", async () => {
    await show(null, [], true);
    expect(screen.getByText("A newer version is waiting.")).toBeTruthy();
    cleanup();
    await show(null, []);
    expect(screen.queryByText("A newer version is waiting.")).toBeNull();
  });

  it("offers no place where there is no key for addresses", async () => {
    vi.mocked(placesOfAccounts).mockReturnValue([]);
    await show({ publicName: "Ada", kept: false, person: ADA }, []);
    expect(screen.queryByLabelText("Kept in")).toBeNull();
    expect(screen.getByText(/no key for addresses/)).toBeTruthy();
  });
});
