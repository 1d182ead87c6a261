import { act, fireEvent, render, screen } from "@testing-library/react";
import { createRef } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TitleField, type TitleHandle } from "@/components/documents/title-field";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const refresh = vi.fn();
const router = { refresh };
vi.mock("next/navigation", () => ({ useRouter: () => router }));

interface Sent {
  title: string;
  baseVersion: Record<string, number>;
}
const fetchMock = vi.fn<(url: string, init: RequestInit) => Promise<Response>>();
const sent = () => fetchMock.mock.calls.map(([, init]) => JSON.parse(String(init.body)) as Sent);

/** The store's side: counts writes in the clock as a region would. */
const takes = () => {
  let count = 1;
  fetchMock.mockImplementation(async (_, init) => {
    const { title } = JSON.parse(String(init.body)) as Sent;
    const clock = { "us-east-1": ++count };
    return Response.json({
      ok: true,
      title: title.trim(),
      clock,
      receipt: { regionId: "us-east-1" },
    });
  });
};
const refuses = (code: string, message: string) =>
  fetchMock.mockImplementation(async () => Response.json({ ok: false, code, message }));

function show() {
  const handle = createRef<TitleHandle>();
  const tree = (title = "Tides", count = 1) => (
    <RegionNamesProvider regions={DEFAULT_REGIONS}>
      <TitleField document={{ id: "d 1", title, clock: { "us-east-1": count } }} ref={handle} />
    </RegionNamesProvider>
  );
  const shown = render(tree());
  return {
    ...shown,
    handle,
    renderAgain: (title: string, count: number) => shown.rerender(tree(title, count)),
    form: () => shown.container.querySelector<HTMLInputElement>('[name="shown-title"]')?.value,
  };
}

const type = (title: string) =>
  fireEvent.change(screen.getByLabelText("Title"), { target: { value: title } });
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const status = () => document.querySelector("[data-title-state]");

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetchMock);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  fetchMock.mockReset();
  refresh.mockReset();
});

describe("a title that stores itself", () => {
  it("is sent once its typing pauses, and says where it is", async () => {
    takes();
    const { form } = show();
    expect(status()).toHaveTextContent(/^$/);
    type("Tide");
    await pass(1_000);
    type("Tide tables");
    expect(status()).toHaveTextContent("Saving…");
    await pass(1_400);
    expect(fetchMock).not.toHaveBeenCalled();
    await pass(200);
    expect(sent()).toEqual([{ title: "Tide tables", baseVersion: { "us-east-1": 1 } }]);
    expect(fetchMock.mock.calls[0]?.[0]).toBe("/api/documents/d%201/title");
    expect(status()).toHaveTextContent("Saved in Virginia");
    // The form has nothing to add.
    expect(form()).toBe("Tide tables");
    expect(refresh).toHaveBeenCalledTimes(1);
  });

  it("starts the next change from what the last one made", async () => {
    takes();
    show();
    type("One");
    await pass(2_000);
    type("Two");
    await pass(2_000);
    expect(sent().map(({ baseVersion }) => baseVersion["us-east-1"])).toEqual([1, 2]);
  });

  it("sends what was typed while the last one was on its way", async () => {
    let answer = (_: Response) => undefined as void;
    fetchMock.mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    show();
    type("One");
    await pass(1_600);
    type("One, two");
    await pass(5_000);
    expect(sent()).toHaveLength(1);
    takes();
    const clock = { "us-east-1": 2 };
    answer(Response.json({ ok: true, title: "One", clock, receipt: { regionId: "us-east-1" } }));
    await pass(2_000);
    expect(sent().at(-1)).toEqual({ title: "One, two", baseVersion: clock });
    expect(status()).toHaveTextContent("Saved in Virginia");
  });

  it.each([
    ["no answer", () => fetchMock.mockRejectedValue(new TypeError("offline"))],
    ["no region", () => refuses("unavailable", "No region answered.")],
    ["a region behind", () => refuses("behind", "Not yet.")],
  ])("is kept and tried again: %s", async (_, fails) => {
    fails();
    show();
    type("Kept");
    await pass(1_600);
    expect(screen.getByRole("status")).toHaveTextContent(/Offline: the title is kept here/);
    takes();
    await pass(16_000);
    expect(status()).toHaveTextContent("Saved in Virginia");
    expect(sent().at(-1)?.title).toBe("Kept");
  });

  it("says why it was not accepted, and tries the next change", async () => {
    refuses("invalid", "Give the document a title.");
    const { form } = show();
    type(" ");
    await pass(60_000);
    expect(fetchMock).toHaveBeenCalledTimes(1);
    expect(screen.getByRole("status")).toHaveTextContent("Give the document a title.");
    expect(form()).toBe("Tides");
    takes();
    type("Better");
    await pass(1_600);
    expect(status()).toHaveTextContent("Saved in Virginia");
  });

  it("leaves to the form what it has not sent", async () => {
    takes();
    const { handle, form, renderAgain } = show();
    type("By form");
    expect(handle.current?.leaveToForm()).toBeNull();
    await pass(10_000);
    expect(fetchMock).not.toHaveBeenCalled();
    expect(form()).toBe("Tides");
    renderAgain("By form", 2);
    expect(status()).toHaveTextContent(/^$/);
    expect(form()).toBe("By form");
    type("And then");
    await pass(2_000);
    expect(sent()).toEqual([{ title: "And then", baseVersion: { "us-east-1": 2 } }]);
  });

  it("is sent when the page is left", async () => {
    takes();
    const { unmount } = show();
    type("Last words");
    unmount();
    expect(sent().map(({ title }) => title)).toEqual(["Last words"]);
    expect(fetchMock.mock.calls[0]?.[1].keepalive).toBe(true);
  });
});
