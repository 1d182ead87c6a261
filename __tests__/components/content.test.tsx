import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Article } from "@/components/content/article";
import { ArticleList } from "@/components/content/article-list";
import { CreateContentForm, EditContentForm } from "@/components/content/content-forms";
import { ForceSync } from "@/components/content/force-sync";
import { ContentHistory } from "@/components/content/history";
import { ManageList } from "@/components/content/manage-list";
import { ContentMoves } from "@/components/content/moves";
import { PublicReceiptLine } from "@/components/content/public-receipt";
import type { SyncState } from "@/components/content/sync-state";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import type { FormState } from "@/components/documents/form-state";
import type { PublicReceipt } from "@/lib/cms/published";
import type { ContentRow, ContentVersionRow, PublishedContent } from "@/lib/cms/types";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const actions = vi.hoisted(() => {
  const form = () => vi.fn<(state: FormState, form: FormData) => Promise<FormState>>();
  return {
    createContentForm: form(),
    saveContentForm: form(),
    moveContentForm: form(),
    forceSyncForm: vi.fn<(state: SyncState, form: FormData) => Promise<SyncState>>(),
  };
});
vi.mock("@/app/actions/content-actions", () => actions);

const AT = "2026-11-26T10:00:00.000Z";

const item: ContentRow = {
  id: "ships",
  title: "Ships",
  body: "Three ships.",
  status: "in-review",
  publishedVersion: "v1",
  publishAt: null,
  scheduledVersion: null,
  undecided: [],
  authorId: "u1",
  updatedBy: "u1",
  createdAt: AT,
  updatedAt: AT,
  clock: { "us-east-1": 2 },
  origin: "us-east-1",
  position: "7",
};

const version = (id: string, more: Partial<ContentVersionRow> = {}): ContentVersionRow => ({
  id,
  contentId: "ships",
  action: "edited",
  title: "Ships",
  body: "Three ships.",
  publishAt: null,
  contentClock: { "us-east-1": 2 },
  author: { userId: "u1", name: "Writer" },
  regionId: "us-east-1",
  name: "us-east-1 2",
  createdAt: AT,
  ...more,
});

const article: PublishedContent = {
  id: "ships",
  title: "Ships",
  body: "One paragraph.\n\nAnother\none.",
  versionId: "v1",
  versionName: "us-east-1 2",
  author: "Writer",
  publishedIn: "eu-west-1",
  publishedAt: AT,
};

const receipt: PublicReceipt = {
  regionId: "eu-west-1" as never,
  vantage: "eu-west-1" as never,
  cachedAt: AT,
  lookedAt: AT,
  current: true,
  fromCache: true,
  keptElsewhere: false,
  elapsedMs: 0.4,
};

const show = (node: React.ReactNode) =>
  render(<RegionNamesProvider regions={DEFAULT_REGIONS}>{node}</RegionNamesProvider>);

const refusal = (code: "invalid" | "conflict", message: string, fields = {}): FormState => ({
  ...{ status: "refused", code, message, fields },
  values: { title: "Typed", body: "Typed text" },
});

beforeEach(() => {
  for (const action of Object.values(actions)) action.mockReset();
});

describe("what the public sees", () => {
  it("is an article in paragraphs, with where it is from", () => {
    show(
      <>
        <PublicReceiptLine receipt={receipt} version="us-east-1 2" />
        <Article article={article} />
      </>,
    );
    expect(screen.getByText("One paragraph.")).toBeDefined();
    expect(screen.getByText(/Another\s+one\./)).toBeDefined();
    expect(screen.getByText("Version").nextElementSibling?.textContent).toBe("us-east-1 2");
    expect(screen.getByText("Answered in").nextElementSibling?.textContent).toBe(
      "<1 ms, from the cache",
    );
    expect(screen.queryByText("This may be out of date.")).toBeNull();
  });

  it("says when it may be old, and when another region answers", () => {
    show(
      <PublicReceiptLine
        receipt={{ ...receipt, current: false, fromCache: false, vantage: "us-east-1" as never }}
      />,
    );
    expect(screen.getByText("This may be out of date.")).toBeDefined();
    expect(screen.getByText(/another region does/)).toBeDefined();
    expect(screen.getByText("Answered in").nextElementSibling?.textContent).toContain(
      "from the database",
    );
  });

  it("says that it is kept elsewhere, and does not blame the reader's region", () => {
    show(
      <PublicReceiptLine
        receipt={{ ...receipt, keptElsewhere: true, vantage: "us-east-1" as never }}
      />,
    );
    expect(screen.getByText(/must not have this article/)).toBeDefined();
    expect(screen.getByText("Read at")).toBeDefined();
    expect(screen.queryByText("Cached at")).toBeNull();
    expect(screen.queryByText(/does not answer/)).toBeNull();
  });

  it("is a list, or that there is nothing", () => {
    const { rerender } = show(<ArticleList articles={[article]} />);
    expect(screen.getByRole("link", { name: "Ships" }).getAttribute("href")).toBe("/content/ships");
    rerender(
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <ArticleList articles={[]} />
      </RegionNamesProvider>,
    );
    expect(screen.getByText("Nothing is published yet")).toBeDefined();
  });
});

describe("what authors and reviewers see", () => {
  it("is a list with status and conflicts, or how to begin", () => {
    const { rerender } = show(
      <ManageList
        items={[{ ...item, undecided: ["body"], author: { userId: "u1", name: null } }]}
      />,
    );
    expect(screen.getByText("Conflict")).toBeDefined();
    expect(screen.getByText("In review")).toBeDefined();
    rerender(
      <RegionNamesProvider regions={DEFAULT_REGIONS}>
        <ManageList items={[]} />
      </RegionNamesProvider>,
    );
    expect(screen.getByRole("link", { name: "Write the first one" })).toBeDefined();
  });

  it("is the form, which sends the clock that it was rendered with and keeps what was typed", async () => {
    actions.saveContentForm.mockResolvedValue(refusal("conflict", "Decide first."));
    show(<EditContentForm item={item} />);
    await userEvent.type(screen.getByLabelText("Title"), "!");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    const sent = Object.fromEntries(actions.saveContentForm.mock.calls[0]?.[1] ?? []);
    expect(sent).toMatchObject({
      contentId: "ships",
      baseVersion: JSON.stringify(item.clock),
      title: "Ships!",
      "shown-title": "Ships",
      "shown-body": "Three ships.",
    });
    expect((await screen.findByRole("alert")).textContent).toContain("Decide first.");
  });

  it("is a complaint at the field that it is about", async () => {
    const message = "Another article has that address already.";
    actions.createContentForm.mockResolvedValue(refusal("invalid", message, { slug: message }));
    show(<CreateContentForm places={[]} />);
    await userEvent.click(screen.getByRole("button", { name: "Create draft" }));
    expect(await screen.findByText(message)).toBeDefined();
    expect(screen.getByLabelText("Address").getAttribute("aria-invalid")).toBe("true");
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("is the moves that are possible, and no other", async () => {
    actions.moveContentForm.mockResolvedValue(refusal("conflict", "It was changed."));
    show(<ContentMoves item={item} moves={["return", "publish", "schedule"]} />);
    expect(screen.queryByRole("button", { name: "Send for review" })).toBeNull();
    expect(screen.getByLabelText("Publish at (UTC)")).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Publish now" }));
    expect(actions.moveContentForm.mock.calls[0]?.[1].get("move")).toBe("publish");
    expect((await screen.findByRole("alert")).textContent).toContain("It was changed.");
  });

  it("is a history that says what is public, and restores what is another text", () => {
    const created = version("v0", { action: "created", body: "Two ships.", name: "eu-west-1 1" });
    show(<ContentHistory item={item} versions={[version("v1"), created]} />);
    const [first, second] = screen.getAllByRole("listitem");
    expect(within(first!).getByText("Public")).toBeDefined();
    expect(within(first!).queryByRole("button", { name: "Restore this version" })).toBeNull();
    expect(
      within(second!).getByRole("button", { name: "Restore this version", hidden: true }),
    ).toBeDefined();
    expect(within(second!).getByText("eu-west-1 1")).toBeDefined();
  });

  it.each([
    [true, /Dublin wrote the article and 3 versions/],
    [false, /Dublin does not have this article/],
  ])("is what sending it again did: %s", async (found, said) => {
    const done = { found, sourceRegion: "eu-west-1" as never, item: 1, versions: 3 };
    actions.forceSyncForm.mockResolvedValue({ status: "done", done });
    show(<ForceSync contentId="ships" regions={[{ id: "eu-west-1", city: "Dublin" }]} />);
    await userEvent.click(screen.getByRole("button", { name: "Send to all regions" }));
    expect(await screen.findByText(said)).toBeDefined();
  });
});
