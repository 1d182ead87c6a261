import { describe, expect, it } from "vitest";
import { Remembered } from "@/lib/remembered";

/** Readings that end when they are told to. */
class Source {
  private readonly open: { resolve: (value: string) => void; reject: (error: Error) => void }[] =
    [];
  readings = 0;
  read = () => {
    this.readings += 1;
    return new Promise<string>((resolve, reject) => this.open.push({ resolve, reject }));
  };
  async end(value: string | Error): Promise<void> {
    const first = this.open.shift();
    if (value instanceof Error) first?.reject(value);
    else first?.resolve(value);
    await Promise.resolve();
    await Promise.resolve();
  }
}

function world() {
  const clock = { nowMs: 0 };
  const source = new Source();
  const remembered = new Remembered<string>(1_000, () => clock.nowMs);
  return { clock, source, get: (key = "a") => remembered.get(key, source.read), remembered };
}

describe("what is remembered", () => {
  it("is waited for the first time, by all who ask at once", async () => {
    const { source, get } = world();
    const all = Promise.all([get(), get()]);
    await source.end("one");
    expect(await all).toEqual(["one", "one"]);
    expect(source.readings).toBe(1);
  });

  it("is answered at once afterwards, and read anew behind it", async () => {
    const { source, get } = world();
    const first = get();
    await source.end("one");
    await first;
    expect(await get()).toBe("one");
    await source.end("two");
    expect(await get()).toBe("two");
  });

  it("is not answered when it is too old", async () => {
    const { clock, source, get } = world();
    const first = get();
    await source.end("one");
    await first;
    clock.nowMs = 1_001;
    const second = get();
    await source.end("two");
    expect(await second).toBe("two");
  });

  it("outlives a failed reading for as long as it is usable, and no longer", async () => {
    const { clock, source, get } = world();
    const first = get();
    await source.end("one");
    await first;
    expect(await get()).toBe("one");
    await source.end(new Error("gone"));
    expect(await get()).toBe("one");
    await source.end(new Error("gone"));
    clock.nowMs = 1_001;
    const late = get();
    await source.end(new Error("gone"));
    await expect(late).rejects.toThrow("gone");
  });

  it("is forgotten on request, with what was being read before", async () => {
    const { source, get, remembered } = world();
    const first = get();
    remembered.forget();
    const second = get();
    await source.end("before");
    await source.end("after");
    expect([await first, await second]).toEqual(["before", "after"]);
    expect(await get()).toBe("after");
  });

  it("is kept apart by key", async () => {
    const { source, get } = world();
    const both = Promise.all([get("a"), get("b")]);
    await source.end("of a");
    await source.end("of b");
    expect(await both).toEqual(["of a", "of b"]);
  });
});
