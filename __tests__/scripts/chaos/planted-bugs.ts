import { DOCUMENT } from "./good-story";
import { AP, EU, PRODUCT, stamp, type Story, US } from "./support";

export type Bug = [what: string, plant: (story: Story) => void, alsoBy?: string[]];

export const without = <T>(list: readonly T[], item: T) => list.filter((each) => each !== item);

/** What each checker is there for: the least that it has to object to. */
export const BUGS: Record<string, Bug[]> = {
  "no-loss": [
    [
      "an element that one region lacks",
      (story) => story.in(AP, (state) => ({ elements: without(state.elements, "element-1") })),
    ],
    [
      "an element of quorum durability, stranded or not",
      (story) =>
        story
          .in(AP, (state) => ({ elements: without(state.elements, "element-1") }))
          .in(US, () => ({ stranded: { "User/element-1": "superseded" } })),
    ],
    ["a line", (story) => story.everywhere(() => ({ texts: { [DOCUMENT]: ["line-1"] } }))],
    ["a transfer", (story) => story.everywhere(() => ({ transfers: [], balances: {} }))],
    [
      "a row that nobody deleted",
      (story) =>
        story.done("rows/insert", { element: "row-2" }, { ...stamp(US, 22), id: "other-id" }),
    ],
    [
      "the last write of a session",
      (story) => story.everywhere(() => ({ sessions: { s: { count: 0, clock: {} } } })),
    ],
    [
      "a sale that is held again",
      (story) =>
        story.sold((product) => ({
          reservations: product.reservations.map((each) => ({ ...each, status: "held" })),
        })),
    ],
    [
      "what a region that went back had told another",
      (story) =>
        story
          .note({ type: "went-back", region: US, actor: US, copied: "5", told: "11" })
          .everywhere((state) => ({ elements: without(state.elements, "element-1") })),
    ],
    [
      "what was in the copy that a region went back to",
      (story) =>
        story
          .note({ type: "went-back", region: US, actor: US, copied: "12", told: "3" })
          .everywhere((state) => ({ elements: without(state.elements, "element-1") })),
    ],
  ],
  "no-ghosts": [
    [
      "an element that nobody added",
      (story) => story.everywhere((state) => ({ elements: [...state.elements, "element-x"] })),
    ],
    [
      "one whose writer was told that it was not written",
      (story) => {
        const call = { element: "refused", by: "leader", durability: "region" } as const;
        story.begin("set/add", call).fail();
        story.everywhere((state) => ({ elements: [...state.elements, "refused"] }));
      },
    ],
    [
      "a line",
      (story) =>
        story.everywhere(() => ({ texts: { [DOCUMENT]: ["line-1", "line-2", "line-x"] } })),
    ],
    [
      "a transfer of another amount",
      (story) =>
        story.everywhere(({ transfers }) => ({
          transfers: transfers.map((each) => ({ ...each, amount: 6 })),
          balances: { a: 6, b: -6 },
        })),
    ],
  ],
  "exactly-once": [
    [
      "an element twice",
      (story) => story.everywhere((state) => ({ elements: [...state.elements, "element-1"] })),
    ],
    [
      "a line twice",
      (story) =>
        story.everywhere(() => ({ texts: { [DOCUMENT]: ["line-1", "line-2", "line-1"] } })),
    ],
    [
      "a transfer that counts twice",
      (story) => story.in(EU, () => ({ balances: { a: 10, b: -10 } })),
    ],
  ],
  prefix: [
    [
      "a row below the cursor that is not there",
      (story) =>
        story.note({
          type: "snapshot",
          region: AP,
          actor: AP,
          cursors: { [US]: "11" },
          rows: [["element-1", US, "11"]],
        }),
    ],
    [
      "a row of a stream that has ended, which the cursor never comes to",
      (story) => {
        story.note({ type: "went-back", region: US, actor: US, copied: "11", told: "11" });
        const rows: [string, string, string][] = [["element-1", US, "14"]];
        story.note({ type: "snapshot", region: AP, actor: AP, cursors: { [US]: "12" }, rows });
      },
    ],
    [
      "a leader's row that was pulled, which the cursor never comes to",
      (story) =>
        story.note({
          type: "snapshot",
          region: AP,
          actor: AP,
          cursors: { [US]: "10" },
          rows: [
            ["element-0", US, "10"],
            ["element-1", US, "11"],
          ],
        }),
    ],
    [
      "a row past the cursor that is, although the cursor comes there later",
      (story) => {
        const rows: [string, string, string][] = [["element-2", AP, "12"]];
        story.note({ type: "snapshot", region: US, actor: US, cursors: { [AP]: "11" }, rows });
        story.note({ type: "snapshot", region: US, actor: US, cursors: { [AP]: "12" }, rows: [] });
      },
    ],
  ],
  convergence: [
    [
      "a row that differs",
      (story) =>
        story.in(AP, () => ({ rows: [{ entity: "Document", id: DOCUMENT, digest: "x" }] })),
    ],
    ["a row that one could not apply", (story) => story.in(AP, () => ({ parked: ["User/x"] }))],
    ["a row that one lacks", (story) => story.in(AP, () => ({ rows: [] }))],
    [
      "regions that take a minute and more",
      (story) => {
        const converged = story.events.pop()!;
        story.waitMs(61_000).note(converged);
      },
    ],
    ["regions that never come to it", (story) => void story.events.pop()],
  ],
  "read-your-writes": [
    [
      "a write and then what was before it",
      (story) =>
        story.done(
          "session/read",
          { session: "s" },
          {
            ...stamp(US, 50),
            count: 0,
            clock: { [US]: 1 },
            stale: false,
            complete: false,
            region: AP,
          },
        ),
    ],
  ],
  "monotonic-reads": [
    [
      "a read that goes back",
      (story) => {
        const shown = { stale: false, complete: true, region: AP };
        // By another one whose first write was not answered: it read it all the same.
        story.begin("session/write", { session: "other", count: 0 }).info();
        story.begin("session/write", { session: "other", count: 1 }).info();
        const later = { ...stamp(EU, 81), count: 1, clock: { [US]: 1, [EU]: 1 } };
        const earlier = { ...stamp(US, 80), count: 0, clock: { [US]: 1 } };
        story.done("session/read", { session: "other" }, { ...later, ...shown });
        story.done("session/read", { session: "other" }, { ...earlier, ...shown });
      },
    ],
  ],
  "monotonic-writes": [
    [
      "a write that does not follow the one before it",
      (story) => {
        const session = "s";
        const beside = { ...stamp(AP, 52), clock: { [US]: 1, [AP]: 1 } };
        story.done(
          "session/write",
          { session: "t", count: 0 },
          { ...stamp(US, 53), clock: { [EU]: 1 } },
        );
        story.done("session/write", { session: "t", count: 1 }, beside);
        story.everywhere(({ sessions }) => ({ sessions: { ...sessions, t: sessions[session]! } }));
      },
    ],
  ],
  "writes-follow-reads": [
    [
      "a write that does not follow what was read before it",
      (story) => {
        const read = {
          ...stamp(EU, 81),
          count: 0,
          clock: { [EU]: 1 },
          stale: false,
          complete: true,
        };
        story.begin("session/write", { session: "t", count: 0 }).info();
        story.done("session/read", { session: "t" }, { ...read, region: EU });
        story.done(
          "session/write",
          { session: "t", count: 1 },
          { ...stamp(US, 82), clock: { [US]: 1 } },
        );
        story.everywhere(({ sessions }) => ({ sessions: { ...sessions, t: sessions.s! } }));
      },
    ],
  ],
  "causal-order": [
    [
      "a line without the one that its writer had seen",
      (story) =>
        story.done("text/read", { document: DOCUMENT }, { lines: ["line-2"], stale: false }),
    ],
    [
      "a line before it",
      (story) => story.everywhere(() => ({ texts: { [DOCUMENT]: ["line-2", "line-1"] } })),
    ],
  ],
  linearizability: [
    [
      "a read of an older value",
      (story) => story.done("register/read", { key: "register" }, { value: "v1" }),
    ],
    [
      "two swaps of the same value",
      (story) =>
        story.done("register/cas", { key: "register", from: "v1", to: "v4" }, { swapped: true }),
    ],
    [
      "a value that is gone in the end",
      (story) => story.everywhere(() => ({ registers: { register: "v1" } })),
    ],
  ],
  epochs: [
    [
      "a former leader that leads beside the next",
      (story) => story.note({ type: "leader", askedMs: 100_000, region: US, epoch: "1" }),
    ],
    ["an epoch of two leaders", (story) => story.in(AP, () => ({ promotions: { 2: [AP] } }))],
  ],
  escrow: [
    ["units out of nothing", (story) => story.sold(() => ({ free: 9, rights: { [US]: 9 } }))],
    ["rights out of nothing", (story) => story.sold(() => ({ rights: { [US]: 9 } }))],
    ["rights below zero", (story) => story.sold(() => ({ rights: { [US]: 9, [EU]: -1 } }))],
    [
      "more than there is in the hands of buyers, whatever the rows say",
      (story) => {
        const reserved = { ...stamp(EU, 75), reservation: "r-2", region: EU };
        story.note({ type: "went-back", region: EU, actor: EU, copied: "100", told: "0" });
        const call = { product: PRODUCT, key: "k-2", quantity: 9 };
        story.done("inventory/reserve", call, reserved, EU);
        const released = { id: "r-2", key: "k-2", quantity: 9, status: "released" };
        story.sold(({ reservations }) => ({ reservations: [...reservations, released] }));
      },
    ],
  ],
  bank: [
    [
      "money out of nothing",
      (story) => story.in(US, () => ({ balances: { a: 6, b: -5 } })),
      ["exactly-once"],
    ],
  ],
  "no-resurrection": [
    ["a row that is back in the end", (story) => story.in(AP, () => ({ insertedIds: ["row-id"] }))],
    [
      "a row that its deleter is shown",
      (story) =>
        story.done("rows/read", { id: "row-id", session: "s" }, { found: true, stale: false }, AP),
    ],
  ],
  residency: [
    [
      "a text where it must not be",
      (story) => story.in(US, () => ({ canaries: { canary: ["base/1"] } })),
    ],
    [
      "a text that was in the copy that its region went back to",
      (story) =>
        story
          .note({ type: "went-back", region: EU, actor: EU, copied: "41", told: "0" })
          .in(EU, () => ({ canaries: {} })),
    ],
    [
      "a text that was written since its region was lost",
      (story) => {
        story.note({ type: "went-back", region: EU, actor: EU, copied: "0", told: "900" });
        story.in(EU, () => ({ canaries: { canary: ["Document"] } }));
        story.done("canary/write", { text: "later", regions: [EU] }, stamp(`${EU}#1`, 950));
      },
    ],
    ["a text that is not where it is kept", (story) => story.in(EU, () => ({ canaries: {} }))],
  ],
  liveness: [
    [
      "a fault that is not undone",
      (story) =>
        story.note({ type: "fault", phase: "begin", fault: 9, kind: "cut", detail: "cut" }),
    ],
    [
      "no write after the last fault",
      (story) => {
        story.events.find((event) => event.type === "phase" && event.phase === "healed")!.atMs =
          1e6;
      },
    ],
  ],
};
