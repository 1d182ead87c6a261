import { render, screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import DeadLettersPage from "@/app/admin/dead-letters/page";
import ParkedRowPage from "@/app/admin/dead-letters/row/page";
import { REGIONS } from "@/lib/db/multi-region-config";

const mocks = vi.hoisted(() => ({
  requireAdmin: vi.fn(),
  listParkedRows: vi.fn(),
  readParkedRow: vi.fn(),
}));
vi.mock("@/lib/auth/session", () => ({ requireAdmin: mocks.requireAdmin }));
vi.mock("@/lib/dead-letters/dead-letters", () => mocks);
vi.mock("@/lib/request-context", () => ({
  getRequestContext: () => Promise.resolve({ vantage: "us-east-1" }),
}));
vi.mock("@/app/actions/dead-letter-actions", () => ({
  retryDeadLetters: vi.fn(),
  editDeadLetters: vi.fn(),
  discardDeadLetters: vi.fn(),
}));

const SINCE = "2026-11-24T10:00:00.000Z";
const detail = {
  events: [
    {
      id: "7",
      actor: "us-east-1",
      position: "900",
      status: "parked",
      schemaVersion: 9,
      sqlstate: "23514",
      message: "violates check constraint",
      attempts: 1,
      at: SINCE,
      event: { id: "d1", title: "bad" },
    },
  ],
  here: null,
  editable: { title: "bad" },
  leader: "us-east-1",
  mayWrite: true,
};
const list = async (done?: string) =>
  render(await DeadLettersPage({ searchParams: Promise.resolve({ done }) }));
const row = async (query: Record<string, string>) =>
  render(await ParkedRowPage({ searchParams: Promise.resolve(query) }));
const KNOWN = { region: "eu-west-1", entity: "Document", id: "d1" };

describe("the pages of dead letters", () => {
  beforeEach(() => {
    mocks.requireAdmin.mockResolvedValue({ userId: "a", role: "admin" });
  });

  it("shows every region, and says which one does not answer", async () => {
    mocks.listParkedRows.mockImplementation((_: string, region: string) =>
      Promise.resolve(
        region === "eu-west-1"
          ? { kind: "unreachable" }
          : { kind: "answer", value: { rows: [], audit: [] } },
      ),
    );
    await list("drained");
    expect(screen.getAllByRole("heading", { level: 2 })).toHaveLength(REGIONS.length);
    expect(screen.getAllByText("This region does not answer.")).toHaveLength(1);
    expect(screen.getAllByText("Nothing is parked here.")).toHaveLength(REGIONS.length - 1);
    expect(screen.getByRole("status")).toHaveTextContent("in order");
  });

  it("prints no word of the address that it does not know", async () => {
    mocks.listParkedRows.mockResolvedValue({ kind: "answer", value: { rows: [], audit: [] } });
    await list("constructor");
    expect(screen.queryByRole("status")).toBeNull();
  });

  it("shows administrators alone", async () => {
    mocks.listParkedRows.mockClear();
    mocks.requireAdmin.mockRejectedValue(new Error("403"));
    await expect(list()).rejects.toThrow("403");
    await expect(row(KNOWN)).rejects.toThrow("403");
    expect(mocks.listParkedRows).not.toHaveBeenCalled();
    expect(mocks.readParkedRow).not.toHaveBeenCalled();
  });

  it("shows the events of a row, and what can be decided", async () => {
    mocks.readParkedRow.mockResolvedValue({ kind: "answer", value: detail });
    await row(KNOWN);
    const event = screen.getByRole("article");
    expect(within(event).getByText(/SQLSTATE 23514/)).toBeInTheDocument();
    expect(within(event).getByText(/"title": "bad"/)).toBeInTheDocument();
    expect(screen.getByLabelText("The row, with all its events")).toHaveValue(
      '{\n  "title": "bad"\n}',
    );
    // This region has no such row: what discarding means is said.
    expect(screen.getByText(/differs from the others in this row/)).toBeInTheDocument();
  });

  it("sends the editor of an entity of the leader to the leader", async () => {
    mocks.readParkedRow.mockResolvedValue({
      kind: "answer",
      value: { ...detail, mayWrite: false },
    });
    await row({ ...KNOWN, entity: "User" });
    expect(screen.queryByRole("button", { name: "Edit and retry" })).toBeNull();
    expect(screen.getByText(/Change the row there/)).toBeInTheDocument();
  });

  it("knows no region or entity that is not declared", async () => {
    await expect(row({ ...KNOWN, region: "mars" })).rejects.toThrow("NEXT_HTTP_ERROR_FALLBACK;404");
    await expect(row({ ...KNOWN, entity: "pg_authid" })).rejects.toThrow("404");
  });
});
