import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { decideConflictForm } from "@/app/actions/conflict-actions";
import { CompareVersions } from "@/components/conflicts/compare-versions";
import { ConflictFilterBar } from "@/components/conflicts/conflict-filter";
import { ConflictDetails } from "@/components/conflicts/conflict-page";
import { happened, valueText } from "@/components/conflicts/conflict-text";
import { DocumentConflicts } from "@/components/conflicts/document-conflicts";
import type { ConflictFormState } from "@/components/conflicts/form-state";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import type { ConflictItem, ConflictView, VersionInConflict } from "@/lib/conflicts/types";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

vi.mock("@/app/actions/conflict-actions", () => ({ decideConflictForm: vi.fn() }));
const decide = vi.mocked(decideConflictForm);

function version(value: VersionInConflict["value"], more: Partial<VersionInConflict> = {}) {
  return {
    value,
    clock: { "us-east-1": 2 },
    hlc: "0115000000000000000",
    origin: "us-east-1",
    count: 2,
    author: { userId: "u1", name: "Ada" },
    won: true,
    at: "2026-01-02T03:04:05.000Z",
    ...more,
  } satisfies VersionInConflict;
}

const A = version("The plan");
const B = version("Another plan", {
  origin: "eu-west-1",
  clock: { "us-east-1": 1, "eu-west-1": 1 },
  author: null,
  won: false,
});

function conflict(more: Partial<ConflictView> = {}): ConflictView {
  return {
    id: "c1",
    entityType: "Document",
    entityId: "d1",
    field: "summary",
    strategy: "manual",
    status: "open",
    detectedAt: "2026-01-02T03:04:06.000Z",
    detectedIn: "us-east-1",
    document: { id: "d1", title: "Plans", deleted: false },
    article: null,
    versions: [A, B],
    decision: null,
    current: {
      versions: [A, B],
      clock: { "us-east-1": 2, "eu-west-1": 1 },
      deleted: false,
      title: "Plans",
    },
    shown: { "us-east-1": 2, "eu-west-1": 1 },
    ...more,
  };
}

const item = (status: ConflictItem["status"]): ConflictItem => ({
  ...conflict(),
  status,
  versions: 2,
});

function show(node: React.ReactNode) {
  return render(<RegionNamesProvider regions={DEFAULT_REGIONS}>{node}</RegionNamesProvider>);
}

beforeEach(() => {
  decide.mockReset();
  decide.mockResolvedValue({ status: "idle" });
});

describe("a conflict's page", () => {
  it("says what happened, and by whom, where and when, knowing of what", () => {
    show(<ConflictDetails conflict={conflict()} page="admin" />);
    expect(screen.getByText(/Two versions of the summary of this document/)).toBeInTheDocument();
    expect(screen.getByText(/Until it is decided, Version A shows/)).toBeInTheDocument();
    const second = screen.getByRole("article", { name: /Version B/ });
    expect(within(second).getByText("Another plan")).toBeInTheDocument();
    expect(within(second).getByText("not noted")).toBeInTheDocument();
    expect(within(second).getAllByText("Dublin").length).toBeGreaterThan(0);
  });

  it("takes a version on top of what was shown", async () => {
    show(<ConflictDetails conflict={conflict()} page="owner" />);
    await userEvent.click(screen.getByRole("button", { name: "Take Version B" }));
    await waitFor(() => expect(decide).toHaveBeenCalledOnce());
    const form = decide.mock.calls[0]?.[1];
    expect(form && Object.fromEntries(form)).toMatchObject({
      conflictId: "c1",
      page: "owner",
      take: "1",
      shown: JSON.stringify({ "us-east-1": 2, "eu-west-1": 1 }),
    });
  });

  it("offers to restore what lost, and to bring back what was deleted", () => {
    const decided = conflict({
      status: "decided",
      decision: {
        choice: "kept",
        by: { userId: "u2", name: "Grace" },
        at: "2026-01-03T00:00:00.000Z",
        value: "The plan",
        writtenClock: {},
      },
    });
    const { unmount } = show(<ConflictDetails conflict={decided} page="admin" />);
    expect(screen.getByRole("button", { name: "Restore Version B" })).toBeInTheDocument();
    expect(screen.getByText(/Grace kept the version that won/)).toBeInTheDocument();
    unmount();
    const deletion = version({ title: "T", deletedAt: "2026-01-01T00:00:00Z" });
    const update = version({ title: "T2", deletedAt: null }, { won: false, origin: "eu-west-1" });
    show(
      <ConflictDetails
        conflict={conflict({
          field: "$deleted",
          status: "automatic",
          versions: [deletion, update],
        })}
        page="admin"
      />,
    );
    expect(screen.getByRole("button", { name: "Delete it" })).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Bring it back" })).toBeInTheDocument();
    expect(screen.queryByText("Write something else")).not.toBeInTheDocument();
  });

  it("shows what is there now when a decision came too late, and decides next knowing of it", async () => {
    const stale: ConflictFormState = {
      status: "stale",
      message: "It was changed.",
      versions: [{ ...A, value: "A third plan", author: null }],
      shown: '{"us-east-1":5}',
      value: null,
    };
    decide.mockResolvedValue(stale);
    show(<ConflictDetails conflict={conflict()} page="admin" />);
    await userEvent.click(screen.getByRole("button", { name: "Take Version A" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("A third plan");
    await userEvent.click(screen.getByRole("button", { name: "Take Version A" }));
    await waitFor(() => expect(decide).toHaveBeenCalledTimes(2));
    expect(decide.mock.calls[1]?.[1].get("shown")).toBe('{"us-east-1":5}');
  });

  it("can't be decided where the row is not known", () => {
    show(<ConflictDetails conflict={conflict({ current: null })} page="admin" />);
    expect(screen.queryByRole("button", { name: /Take/ })).not.toBeInTheDocument();
  });
});

describe("the comparison", () => {
  it("loads the editor and shows both texts, side by side or merged", async () => {
    const versions = [
      { label: "Version A", text: "one\ntwo" },
      { label: "Version B", text: "one\nthree" },
    ];
    const { container } = show(<CompareVersions versions={versions} />);
    await waitFor(() => expect(container.querySelectorAll(".cm-editor")).toHaveLength(2));
    expect(screen.getByRole("textbox", { name: "Version B" })).toHaveAttribute(
      "aria-readonly",
      "true",
    );
    await userEvent.click(screen.getByRole("button", { name: "Merged" }));
    await waitFor(() => expect(container.querySelectorAll(".cm-editor")).toHaveLength(1));
    expect(screen.getByRole("button", { name: "Merged" })).toHaveAttribute("aria-pressed", "true");
  });

  it("is not there for a single version", () => {
    const { container } = show(<CompareVersions versions={[{ label: "A", text: "x" }]} />);
    expect(container.querySelector("section")).toBeNull();
  });
});

describe("lists", () => {
  it("keeps the filter in the links, and counts all statuses", () => {
    const counts = { open: 2, automatic: 3, decided: 4 };
    const filter = { status: "open", entityType: "Document" } as const;
    show(<ConflictFilterBar path="/admin/conflicts" filter={filter} counts={counts} />);
    expect(screen.getByRole("link", { name: "All 9" })).toHaveAttribute(
      "href",
      "/admin/conflicts?entity=Document",
    );
    const current = screen.getByRole("link", { name: "Open 2" });
    expect(current).toHaveAttribute("aria-current", "page");
    expect(screen.getByLabelText("Kind")).toHaveValue("Document");
  });

  it("tells a document's owner what waits, and is silent without conflicts", () => {
    const { container, unmount } = show(<DocumentConflicts conflicts={[]} />);
    expect(container).toBeEmptyDOMElement();
    unmount();
    show(<DocumentConflicts conflicts={[item("open"), { ...item("automatic"), id: "c2" }]} />);
    expect(screen.getByText("One waits for your decision.")).toBeInTheDocument();
    expect(screen.getAllByRole("link")[1]).toHaveAttribute("href", "/conflicts/c2");
  });
});

describe("words", () => {
  it("reads a row column by column, and a deletion as one", () => {
    expect(valueText({ b: 1, a: "x" })).toBe("a: x\nb: 1");
    expect(valueText(null)).toBe("");
    const deletion = { entityType: "Document", field: "$deleted", versions: [1, 2] };
    expect(happened(deletion)).toMatch(/was deleted and changed/);
    const row = { entityType: "User", field: "*", versions: [1, 2, 3] };
    expect(happened(row)).toMatch(/^3 versions of this account/);
  });
});
