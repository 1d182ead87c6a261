import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryStorage, TextServer } from "./text-server";
import { TextSync } from "@/components/documents/live/text-sync";
import { UnsentStore } from "@/components/documents/live/unsent-store";

let storage: MemoryStorage;
const open: TextSync[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  storage = new MemoryStorage();
});
afterEach(() => {
  for (const sync of open.splice(0)) sync.stop();
  vi.useRealTimers();
});

function start(server: TextServer, { tab = "tab", user = "u" } = {}): TextSync {
  const store = new UnsentStore(user, "d", tab, storage);
  const sync = new TextSync({ transport: server, store, onState: () => undefined });
  open.push(sync);
  sync.start();
  return sync;
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a text that is edited", () => {
  it("is sent in batches and saved", async () => {
    const server = new TextServer("Text");
    const sync = start(server);
    await pass(0);
    expect(sync.state).toMatchObject({ phase: "saved", regionId: "us-east-1", unsent: 0 });
    for (const letter of ", longer") sync.text.insert(sync.text.length, letter);
    expect(sync.state).toMatchObject({ phase: "saving", unsent: 8 });
    await pass(400);
    expect(server.sent).toHaveLength(1);
    expect(server.text).toBe("Text, longer");
    expect(sync.state).toMatchObject({ phase: "saved", unsent: 0 });
    expect(storage.map.size).toBe(0);
  });

  it("shows what others write", async () => {
    const server = new TextServer("Text");
    const sync = start(server);
    await pass(0);
    server.doc.getText("content").insert(0, "Their ");
    await pass(1_100);
    expect(sync.text.toString()).toBe("Their Text");
    expect(sync.state.merged).toBe(false);
  });

  it("is kept while offline, and merged on return", async () => {
    const server = new TextServer("Text");
    const sync = start(server);
    await pass(0);
    server.online = false;
    sync.text.insert(4, " of mine");
    await pass(400);
    expect(sync.state).toMatchObject({ phase: "offline", unsent: 1 });
    expect(storage.map.size).toBe(1);
    server.doc.getText("content").insert(0, "Their ");
    await pass(20_000);
    expect(sync.state.phase).toBe("offline");
    server.online = true;
    await pass(20_000);
    expect(server.text).toBe("Their Text of mine");
    expect(sync.text.toString()).toBe("Their Text of mine");
    expect(sync.state).toMatchObject({ phase: "saved", unsent: 0, merged: true });
    expect(storage.map.size).toBe(0);
  });

  it("is there once although the answer was lost and it was sent again", async () => {
    const server = new TextServer("Text");
    const sync = start(server);
    await pass(0);
    server.losesAnswers = true;
    sync.text.insert(4, "!");
    await pass(400);
    expect(sync.state.phase).toBe("offline");
    server.losesAnswers = false;
    await pass(5_000);
    expect(server.sent.length).toBeGreaterThan(1);
    expect(server.text).toBe("Text!");
    expect(sync.text.toString()).toBe("Text!");
    expect(sync.state.phase).toBe("saved");
  });

  it("is sent whole to a region that lacks what it builds on", async () => {
    const server = new TextServer("Text");
    const sync = start(server);
    await pass(0);
    server.refusal = { ok: false, code: "behind", message: "Behind." };
    sync.text.insert(4, "!");
    await pass(400);
    const behind = new TextServer("");
    server.refusal = null;
    server.send = (update) => behind.send(update);
    await pass(5_000);
    expect(behind.text).toBe("Text!");
  });

  it("says why it was refused, and tries again with the next edit", async () => {
    const server = new TextServer("Text");
    const sync = start(server);
    await pass(0);
    server.refusal = { ok: false, code: "invalid", message: "Too long." };
    sync.text.insert(4, "!!");
    await pass(400);
    expect(sync.state).toMatchObject({ phase: "refused", message: "Too long." });
    await pass(3_000);
    expect(sync.state).toMatchObject({ phase: "refused", message: "Too long." });
    expect(server.sent).toHaveLength(1);
    server.refusal = null;
    sync.text.delete(4, 1);
    await pass(400);
    expect(server.text).toBe("Text!");
    expect(sync.state).toMatchObject({ phase: "saved", message: null });
  });

  it("says whether all of it was confirmed when it is saved", async () => {
    const server = new TextServer("Text");
    const sync = start(server);
    await pass(0);
    sync.text.insert(4, "!");
    expect(await sync.flush()).toBe(true);
    expect(server.text).toBe("Text!");
    server.online = false;
    sync.text.insert(5, "?");
    expect(await sync.flush()).toBe(false);
  });
});

describe("what a closed tab left unsent", () => {
  async function leaveOffline(user: string): Promise<void> {
    const server = new TextServer("");
    const sync = start(server, { tab: "first", user });
    await pass(0);
    server.online = false;
    sync.text.insert(0, "unsent ");
    await pass(400);
    sync.stop();
  }

  it("is sent by the next one of the same person, and then forgotten", async () => {
    await leaveOffline("u");
    expect(storage.map.size).toBe(1);
    const server = new TextServer("Text");
    const sync = start(server, { tab: "second" });
    await pass(1_000);
    expect(server.text).toContain("unsent ");
    expect(server.text).toContain("Text");
    expect(sync.text.toString()).toBe(server.text);
    expect(storage.map.size).toBe(0);
  });

  it("is not sent by somebody else", async () => {
    await leaveOffline("u");
    const server = new TextServer("Text");
    start(server, { tab: "second", user: "other" });
    await pass(1_000);
    expect(server.text).toBe("Text");
    expect(storage.map.size).toBe(1);
  });

  it("is dropped where it can't be read, and does no harm where nothing can be stored", async () => {
    storage.setItem("meridian:unsent:u:d:gone", "%%%");
    storage.full = true;
    const server = new TextServer("Text");
    const sync = start(server);
    await pass(0);
    sync.text.insert(4, "!");
    await pass(400);
    expect(server.text).toBe("Text!");
    expect(storage.map.size).toBe(0);
  });
});
