import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Shortcuts } from "@/components/shortcuts/shortcuts";
import { shortcutOf } from "@/components/shortcuts/shortcut-of";

const push = vi.fn<(path: string) => void>();
vi.mock("next/navigation", () => ({ useRouter: () => ({ push }) }));

// jsdom has the element and not its methods.
HTMLDialogElement.prototype.showModal = function () {
  this.open = true;
};
HTMLDialogElement.prototype.close = function () {
  this.open = false;
};

const saved = vi.fn();

function show(fields = true) {
  render(
    <>
      <Shortcuts />
      {fields ? (
        <>
          <input aria-label="Search" data-shortcut="search" defaultValue="tide" />
          <form
            data-shortcut="save"
            onSubmit={(event) => {
              event.preventDefault();
              saved();
            }}
          >
            <textarea aria-label="Content" />
            <div
              contentEditable
              suppressContentEditableWarning
              role="textbox"
              aria-label="Editor"
            />
          </form>
        </>
      ) : null}
    </>,
  );
  return userEvent.setup();
}

const list = () => document.querySelector("dialog");

beforeEach(() => {
  push.mockClear();
  saved.mockClear();
  localStorage.clear();
});

describe("keyboard shortcuts", () => {
  it("go to the search field, and to a page that has one", async () => {
    const user = show();
    await user.keyboard("/");
    expect(screen.getByLabelText("Search")).toHaveFocus();
    expect(screen.getByLabelText("Search")).toHaveValue("tide");
    expect(push).not.toHaveBeenCalled();
  });

  it("look elsewhere for a search field where the page has none", async () => {
    const user = show(false);
    await user.keyboard("/");
    expect(push).toHaveBeenCalledWith("/documents?find");
  });

  it("begin a document", async () => {
    const user = show();
    await user.keyboard("n");
    expect(push).toHaveBeenCalledWith("/documents/new");
  });

  it.each(["Content", "Editor", "Search"])("are text while typing: %s", async (label) => {
    const user = show();
    await user.click(screen.getByLabelText(label));
    await user.keyboard("n/?");
    expect(push).not.toHaveBeenCalled();
    expect(list()?.open).toBe(false);
    expect(screen.getByLabelText(label)).toHaveFocus();
  });

  it.each(["Control", "Meta"])("save with %s-S, in a field as well", async (modifier) => {
    const user = show();
    await user.click(screen.getByLabelText("Content"));
    await user.keyboard(`{${modifier}>}s{/${modifier}}`);
    expect(saved).toHaveBeenCalledTimes(1);
  });

  it("leave the browser's own saving where there is nothing to save", async () => {
    const user = show(false);
    const event = new Promise<KeyboardEvent>((resolve) => {
      document.addEventListener("keydown", (press) => press.key === "s" && resolve(press));
    });
    await user.keyboard("{Control>}s{/Control}");
    expect((await event).defaultPrevented).toBe(false);
  });

  it("are listed by key and by button, and rest while the list is open", async () => {
    const user = show();
    await user.keyboard("?");
    expect(list()?.open).toBe(true);
    await user.keyboard("n");
    expect(push).not.toHaveBeenCalled();
    await user.click(screen.getByRole("button", { name: "Close" }));
    list()!.close();
    await user.click(screen.getByRole("button", { name: "Keyboard shortcuts" }));
    expect(list()?.open).toBe(true);
  });

  it("can be turned off, and stay off", async () => {
    const user = show();
    await user.keyboard("?");
    await user.click(screen.getByRole("checkbox", { name: "Single keys" }));
    list()!.close();
    await user.keyboard("n");
    expect(push).not.toHaveBeenCalled();
    expect(localStorage).toHaveLength(1);
  });

  it.each([
    { ctrlKey: true, key: "n" },
    { metaKey: true, ctrlKey: true, key: "s" },
    { altKey: true, key: "n" },
    { repeat: true, key: "n" },
    { isComposing: true, key: "n" },
    { key: "x" },
  ])("leave other presses alone: %j", (press) => {
    const none = {
      ctrlKey: false,
      metaKey: false,
      altKey: false,
      repeat: false,
      isComposing: false,
      typing: false,
      covered: false,
    };
    expect(shortcutOf({ ...none, ...press }, true)).toBeNull();
  });
});
