import { AP, EU, PRODUCT, stamp, Story, US } from "./support";

export const DOCUMENT = "document";

/** A bit of everything, as it should be. */
export function goodStory(): Story {
  const story = new Story();
  story.note({ type: "phase", phase: "started" });
  const fault = { fault: 0, kind: "cut", detail: "cut" } as const;
  story.note({ type: "fault", phase: "begin", ...fault });
  story.note({ type: "fault", phase: "end", ...fault });
  story.note({ type: "phase", phase: "healed" });
  addElements(story);
  swapRegister(story);
  liveSession(story);
  typeLines(story);
  sellUnits(story);
  story.done("rows/insert", { element: "row-1" }, { ...stamp(US, 20), id: "row-id" });
  story.done("rows/delete", { id: "row-id" }, stamp(EU, 21));
  const read = { id: "row-id", session: "s" };
  story.done("rows/read", read, { found: false, stale: false }, AP);
  const transfer = { key: "t-1", debit: "a", credit: "b", amount: 5 };
  story.done("bank/transfer", transfer, stamp(US, 30));
  story.everywhere(() => ({ transfers: [transfer], balances: { a: 5, b: -5 } }));
  story.done("canary/write", { text: "canary", regions: [EU] }, stamp(EU, 40));
  story.in(EU, () => ({ canaries: { canary: ["Document"] } }));
  story.note({ type: "leader", askedMs: 1, region: US, epoch: "1" });
  story.note({ type: "leader", askedMs: 2, region: EU, epoch: "2" });
  story.everywhere(() => ({
    promotions: { 2: [EU] },
    rows: [{ entity: "Document", id: DOCUMENT, digest: "same" }],
  }));
  return story;
}

function addElements(story: Story): void {
  for (const [n, durability] of (["region", "quorum"] as const).entries()) {
    const call = { element: `element-${n}`, by: "leader", durability } as const;
    story.done("set/add", call, stamp(US, 10 + n));
  }
  const nearest = { element: "element-2", by: "nearest", durability: "region" } as const;
  story.done("set/add", nearest, stamp(AP, 12), AP);
  story.note({
    type: "snapshot",
    region: EU,
    actor: EU,
    cursors: { [US]: "11" },
    rows: [
      ["element-0", US, "10"],
      ["element-1", US, "11"],
    ],
  });
  story.everywhere(() => ({ elements: ["element-0", "element-1", "element-2"] }));
}

function swapRegister(story: Story): void {
  const key = "register";
  story.done("register/read", { key }, { value: "" });
  story.done("register/cas", { key, from: "", to: "v1" }, { swapped: true });
  story.done("register/read", { key }, { value: "v1" }, EU);
  story.begin("register/cas", { key, from: "v1", to: "v2" }).info();
  story.done("register/cas", { key, from: "", to: "v3" }, { swapped: false });
  story.done("register/read", { key }, { value: "v2" });
  story.everywhere(() => ({ registers: { [key]: "v2" } }));
}

function liveSession(story: Story): void {
  const session = "s";
  const one = { ...stamp(US, 50), clock: { [US]: 1 } };
  const two = { ...stamp(EU, 51), clock: { [US]: 1, [EU]: 1 } };
  const shown = { stale: false, complete: true, region: EU };
  story.done("session/write", { session, count: 0 }, one);
  story.done("session/read", { session }, { ...one, ...shown, count: 0 });
  story.done("session/write", { session, count: 1 }, two);
  story.done("session/read", { session }, { ...two, ...shown, count: 1 });
  story.everywhere(() => ({ sessions: { [session]: { count: 1, clock: two.clock } } }));
}

function typeLines(story: Story): void {
  const document = DOCUMENT;
  story.done("text/append", { document, line: "line-1", seen: [] }, stamp(US, 60));
  story.done("text/append", { document, line: "line-2", seen: ["line-1"] }, stamp(EU, 61), EU);
  story.done("text/read", { document }, { lines: ["line-1", "line-2"], stale: false }, AP);
  story.everywhere(() => ({ texts: { [document]: ["line-1", "line-2"] } }));
}

function sellUnits(story: Story): void {
  const reserved = { ...stamp(US, 70), reservation: "r-1", region: US };
  story.done("inventory/reserve", { product: PRODUCT, key: "k-1", quantity: 2 }, reserved);
  const settled = { ...stamp(US, 71), status: "confirmed", held: true };
  const settle = { reservation: "r-1", quantity: 2, to: "confirmed" } as const;
  story.done("inventory/settle", settle, settled);
  story.everywhere(() => ({
    inventory: [
      {
        product: PRODUCT,
        stock: 10,
        free: 8,
        rights: { [US]: 2, [EU]: 3, [AP]: 3 },
        reservations: [{ id: "r-1", key: "k-1", quantity: 2, status: "confirmed" }],
      },
    ],
  }));
}
