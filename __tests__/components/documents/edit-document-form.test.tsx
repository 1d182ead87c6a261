import { act, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { EditDocumentForm } from "@/components/documents/edit-document-form";
import type { LiveHandle } from "@/components/documents/live/live-editor";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import type { DocumentRow } from "@/lib/documents/types";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const mocks = vi.hoisted(() => ({
  save: vi.fn<(state: unknown, form: FormData) => Promise<{ status: string }>>(),
  editor: { onReady: null as ((handle: LiveHandle) => void) | null },
}));

vi.mock("@/app/actions/document-forms", () => ({ saveDocumentForm: mocks.save }));
vi.mock("next/navigation", () => ({ useRouter: () => ({ refresh: () => undefined }) }));
vi.mock("@/components/documents/live/live-editor", () => ({
  LiveEditor: ({ onReady }: { onReady: (handle: LiveHandle) => void }) => {
    mocks.editor.onReady = onReady;
    return null;
  },
}));

const shown = {
  id: "d1",
  title: "Tide tables",
  summary: "",
  content: "Low water at 10:31.",
  clock: { "us-east-1": 1 },
} as unknown as DocumentRow;

const handle: LiveHandle = {
  flush: async () => true,
  hasUnsent: () => false,
  text: () => "Low water at 10:35.",
};

beforeEach(() => {
  mocks.save.mockReset();
  mocks.save.mockResolvedValue({ status: "idle" });
  mocks.editor.onReady = null;
});

async function show(): Promise<HTMLFormElement> {
  const { container } = render(
    <RegionNamesProvider regions={DEFAULT_REGIONS}>
      <EditDocumentForm document={shown} userId="u1" />
    </RegionNamesProvider>,
  );
  await waitFor(() => expect(mocks.editor.onReady).not.toBeNull());
  return container.querySelector("form")!;
}

describe("the form of a document", () => {
  it("sends the plain field's text before there is an editor", async () => {
    const form = await show();
    await act(async () => form.requestSubmit());
    const [, data] = mocks.save.mock.calls[0] ?? [];
    expect(data?.get("content")).toBe("Low water at 10:31.");
    expect(data?.get("live")).toBeNull();
  });

  it("is not sent with the plain text while an editor takes that over: it would be there twice", async () => {
    const form = await show();
    // The editor has the text; React has not rendered the form with it when the button is pressed.
    mocks.editor.onReady?.(handle);
    form.requestSubmit();
    expect(mocks.save).not.toHaveBeenCalled();
    await waitFor(() => expect(mocks.save).toHaveBeenCalledTimes(1));
    const [, data] = mocks.save.mock.calls[0] ?? [];
    expect(data?.get("live")).toBe("1");
    expect(screen.queryByLabelText("Content")).toBeNull();
  });
});
