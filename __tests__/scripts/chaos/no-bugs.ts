import { DOCUMENT } from "./good-story";
import { type Bug, without } from "./planted-bugs";
import { AP, EU, stamp, US } from "./support";

/** What looks like a bug and is none, by what the product promises. */
export const NO_BUGS: Bug[] = [
  [
    "an element that was nowhere but in what a region went back from",
    (story) =>
      story
        .note({ type: "went-back", region: US, actor: US, copied: "11", told: "10" })
        .everywhere((state) => ({ elements: without(state.elements, "element-1") })),
  ],
  [
    "a write of region durability that a former leader had not told, and is listed",
    (story) =>
      story
        .in(AP, (state) => ({ elements: without(state.elements, "element-0") }))
        .in(EU, () => ({ stranded: { "User/element-0": "superseded" } })),
  ],
  [
    "a text that was in one region alone, and is lost with that one's files, whichever actor wrote it",
    (story) =>
      story
        .note({ type: "went-back", region: EU, actor: `${EU}#1`, copied: "0", told: "900" })
        .in(EU, () => ({ canaries: {} })),
  ],
  [
    "an element whose writer was not answered",
    (story) => {
      const call = { element: "perhaps", by: "leader", durability: "region" } as const;
      story.begin("set/add", call).info();
      story.in(US, (state) => ({ elements: [...state.elements, "perhaps"] }));
    },
  ],
  [
    "an old answer that says that it may be one",
    (story) => {
      const old = { ...stamp(US, 50), count: 0, clock: { [US]: 1 }, region: AP };
      story.done("session/read", { session: "s" }, { ...old, stale: true, complete: true });
      story.done("rows/read", { id: "row-id", session: "s" }, { found: true, stale: true }, AP);
      story.done("text/read", { document: DOCUMENT }, { lines: ["line-2"], stale: true }, AP);
    },
  ],
  [
    "an element that a region shows as it wrote it itself, and not as another one had acknowledged it",
    (story) => {
      const call = { element: "element-9", by: "leader", durability: "region" } as const;
      story.done("set/add", call, stamp(US, 90));
      story.everywhere((state) => ({ elements: [...state.elements, "element-9"] }));
      story.note({
        type: "snapshot",
        region: EU,
        actor: EU,
        cursors: { [US]: "90" },
        rows: [["element-9", EU, "40"]],
      });
    },
  ],
  [
    "an element of a stream that has ended, before its cursor moves",
    (story) => {
      story.note({ type: "went-back", region: US, actor: US, copied: "11", told: "11" });
      const call = { element: "element-8", by: "leader", durability: "region" } as const;
      story.begin("set/add", call).info();
      story.everywhere((state) => ({ elements: [...state.elements, "element-8"] }));
      const rows: [string, string, string][] = [["element-8", US, "14"]];
      story.note({ type: "snapshot", region: EU, actor: EU, cursors: { [US]: "11" }, rows });
      story.note({ type: "snapshot", region: EU, actor: EU, cursors: { [US]: "14" }, rows: [] });
    },
  ],
  [
    "a former leader's row that was pulled by who leads now, before its cursor moves",
    (story) => {
      const rows: [string, string, string][] = [["element-1", US, "11"]];
      story.note({ type: "snapshot", region: AP, actor: AP, cursors: { [US]: "9" }, rows });
      const both: [string, string, string][] = [["element-0", US, "10"], ...rows];
      story.note({ type: "snapshot", region: AP, actor: AP, cursors: { [US]: "11" }, rows: both });
    },
  ],
  [
    "a swap that takes effect long after nobody waits for it",
    (story) => {
      story.begin("register/cas", { key: "register", from: "v2", to: "v5" }).info();
      story.done("register/read", { key: "register" }, { value: "v2" });
      story.done("register/read", { key: "register" }, { value: "v5" });
      story.everywhere(() => ({ registers: { register: "v5" } }));
    },
  ],
  [
    "an answer of a former leader that was asked while it led",
    (story) => story.note({ type: "leader", askedMs: 1, region: US, epoch: "1" }),
  ],
];
