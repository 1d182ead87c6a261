import { describe, expect, it } from "vitest";
import type { RegionId } from "@/lib/db/regions/region-id";
import { LeaderWatch, type LeaderNews } from "@/lib/lab/invariants/leader-watch";
import type { LeaderAnswer } from "@/lib/lab/invariants/probe";

const [A, B] = ["a", "b"] as RegionId[] as [RegionId, RegionId];
const leads = (epoch: bigint): LeaderAnswer => ({ kind: "leads", epoch });
const FOLLOWS: LeaderAnswer = { kind: "follows" };

type Scripted = LeaderAnswer | "fails" | Promise<LeaderAnswer>;

/** Regions answer in lockstep, one answer each a round. */
async function watched(script: Record<string, Scripted[]>, answerMs = 1_000) {
  const news: LeaderNews[] = [];
  const end = new AbortController();
  const rounds = new Map<string, number>();
  let asleep: (() => void)[] = [];
  const watch = new LeaderWatch({
    regions: [A, B],
    answerMs,
    onNews: (each) => news.push(each),
    ask: async (region) => {
      const round = rounds.get(region) ?? 0;
      rounds.set(region, round + 1);
      const answer = script[region]?.[round];
      if (answer === undefined) {
        end.abort();
        return { kind: "unknown" };
      }
      if (answer === "fails") throw new Error("away");
      return answer;
    },
    sleep: () =>
      new Promise((resolve) => {
        asleep.push(resolve);
        if (asleep.length < 2) return;
        const all = asleep;
        asleep = [];
        all.forEach((wake) => wake());
      }),
  });
  await Promise.race([
    watch.run(end.signal),
    new Promise((resolve) => end.signal.addEventListener("abort", resolve)),
  ]);
  return { watch, news: news.map(({ kind, region }) => `${region} ${kind}`) };
}

describe("the watch for leaders", () => {
  it("tells of a change of leader, and counts it as none too many", async () => {
    const { watch, news } = await watched({
      a: [leads(1n), FOLLOWS, FOLLOWS],
      b: [FOLLOWS, leads(2n), leads(2n)],
    });
    expect(news).toEqual(["a answers", "a leads", "b answers", "a stepped-down", "b leads"]);
    expect(watch.dualLeaders).toBe(0);
    expect(watch.newestEpoch).toBe(2n);
  });

  it("counts a region that leads an old epoch after a later one was led", async () => {
    const { watch, news } = await watched({
      a: [leads(1n), "fails", leads(1n), leads(1n)],
      b: [FOLLOWS, leads(2n), leads(2n), leads(2n)],
    });
    expect(watch.dualLeaders).toBe(2);
    expect(news.filter((each) => each === "a dual")).toHaveLength(2);
    expect(news.filter((each) => each === "a leads")).toHaveLength(1);
  });

  it("does not count an answer to a question from before", async () => {
    let answer!: (said: LeaderAnswer) => void;
    const hung = new Promise<LeaderAnswer>((resolve) => (answer = resolve));
    const led = new Promise<LeaderAnswer>((resolve) =>
      setTimeout(() => {
        resolve(leads(2n));
        answer(leads(1n));
      }, 30),
    );
    const { watch } = await watched({ a: [hung], b: [led] }, 10);
    expect(watch.dualLeaders).toBe(0);
  });

  it("says of a region that does not answer that this is unknown", async () => {
    const { watch, news } = await watched({ a: [leads(1n), "fails"], b: [FOLLOWS, FOLLOWS] });
    expect(news).toContain("a silent");
    expect(watch.of(A)).toEqual({ kind: "unknown" });
    expect(watch.leaders()).toEqual([]);
  });
});
