import { act, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TextServer } from "./text-server";
import { LiveEditor, type LiveHandle } from "@/components/documents/live/live-editor";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

let server: TextServer;

beforeEach(() => {
  // There is no layout here, and the editor asks where its text is.
  Range.prototype.getClientRects = () => [] as unknown as DOMRectList;
  server = new TextServer("One\nTwo");
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    const query = new URL(url, "http://localhost").searchParams;
    const answer =
      init?.method === "POST"
        ? await server.send((JSON.parse(String(init.body)) as { update: string }).update)
        : await server.poll({
            marker: query.get("marker") ?? "",
            stateVector: query.get("sv") ?? "",
          });
    return Response.json(answer);
  });
});
afterEach(() => vi.unstubAllGlobals());

function show(typed = "One\nTwo", onSave = () => undefined, isSaving = () => false) {
  let handle: LiveHandle | undefined;
  const texts: string[] = [];
  const shown = render(
    <RegionNamesProvider regions={DEFAULT_REGIONS}>
      <LiveEditor
        documentId="d"
        userId="u"
        initialText={"One\nTwo"}
        typed={() => ({ text: typed, focused: true })}
        isSaving={isSaving}
        onReady={(ready) => {
          handle = ready;
        }}
        onText={(text) => texts.push(text)}
        onSave={onSave}
      />
    </RegionNamesProvider>,
  );
  return { ...shown, texts, handle: () => handle };
}

describe("the live editor", () => {
  it("is a labelled text box with the text, described by its state, once it has it", async () => {
    const { handle } = show();
    const box = await screen.findByRole("textbox", { name: "Content" });
    expect(box.textContent).toBe("OneTwo");
    expect(handle()?.text()).toBe("One\nTwo");
    const described = document.getElementById(box.getAttribute("aria-describedby") ?? "");
    expect(described).toHaveTextContent("Saved in");
    expect(document.activeElement).toBe(box);
  });

  it("takes over what was typed before it was there", async () => {
    server.doc.getText("content").insert(0, "Their ");
    const { handle } = show("One\nTwo and more");
    await screen.findByRole("textbox", { name: "Content" });
    expect(handle()?.text()).toBe("Their One\nTwo and more");
    await act(async () => expect(await handle()?.flush()).toBe(true));
    expect(server.text).toBe("Their One\nTwo and more");
  });

  it("takes nothing over while the plain field is being saved, which would add it twice", async () => {
    const text = "One\nTwo and more";
    const isSaving = vi.fn(() => true);
    const { handle } = show(text, undefined, isSaving);
    await waitFor(() => expect(isSaving).toHaveBeenCalled());
    expect(handle()).toBeUndefined();
    server.doc.getText("content").insert(7, " and more");
    isSaving.mockReturnValue(false);
    await waitFor(() => expect(handle()?.text()).toBe(text), { timeout: 5_000 });
    await act(async () => expect(await handle()?.flush()).toBe(true));
    expect(server.text).toBe(text);
  });

  it("saves on Ctrl-S and leaves Tab to the page", async () => {
    const onSave = vi.fn();
    show("One\nTwo", onSave);
    const box = await screen.findByRole("textbox", { name: "Content" });
    const press = (init: KeyboardEventInit) => {
      const event = new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init });
      act(() => void box.dispatchEvent(event));
      return event.defaultPrevented;
    };
    expect(press({ key: "s", ctrlKey: true, keyCode: 83 })).toBe(true);
    expect(onSave).toHaveBeenCalledOnce();
    expect(press({ key: "Tab", keyCode: 9 })).toBe(false);
  });

  it("shows nothing while no answer comes, and leaves nothing running behind", async () => {
    server.online = false;
    const { unmount } = show();
    expect(screen.queryByRole("textbox")).toBeNull();
    server.online = true;
    await waitFor(() => screen.getByRole("textbox", { name: "Content" }), { timeout: 4_000 });
    unmount();
    expect(document.querySelector(".cm-editor")).toBeNull();
  });
});
