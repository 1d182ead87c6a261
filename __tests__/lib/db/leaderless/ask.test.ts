import { describe, expect, it } from "vitest";
import { ask, type Asking } from "@/lib/db/leaderless/ask";

const NEVER = new Promise<string>(() => undefined);

const base: Asking<string, string> = {
  atFirst: 2,
  enough: (answers) => answers.size >= 2,
  more: () => false,
  hedgeMs: () => 60_000,
  isNoAnswer: () => true,
};

async function run(replies: Record<string, () => Promise<string>>, options = {}) {
  const asked: string[] = [];
  const { answers, failures } = await ask(
    Object.keys(replies),
    (key) => {
      asked.push(key);
      return replies[key]?.() ?? NEVER;
    },
    { ...base, ...options },
  );
  return { asked, answers: [...answers.keys()].sort(), failures };
}

const yes = () => Promise.resolve("yes");
const no = () => Promise.reject(new Error("down"));

describe("asking several regions", () => {
  it("asks no more than are needed", async () => {
    expect(await run({ a: yes, b: yes, c: yes })).toMatchObject({
      asked: ["a", "b"],
      answers: ["a", "b"],
    });
  });

  it("asks another one in place of each that fails", async () => {
    const result = await run({ a: no, b: yes, c: yes });
    expect(result).toEqual({ asked: ["a", "b", "c"], answers: ["b", "c"], failures: ["a: down"] });
  });

  it("asks another one while one is late, and takes whichever answers", async () => {
    const result = await run({ a: () => NEVER, b: yes, c: yes }, { hedgeMs: () => 5 });
    expect(result.answers).toEqual(["b", "c"]);
  });

  it("asks all once the answers say so", async () => {
    const wanted = { enough: (answers: ReadonlyMap<string, string>) => answers.size === 3 };
    const result = await run(
      { a: yes, b: yes, c: yes },
      { ...wanted, more: (answers: ReadonlyMap<string, string>) => answers.size >= 2 },
    );
    expect(result.answers).toEqual(["a", "b", "c"]);
  });

  it("returns what there is when too few answer, or none is there", async () => {
    expect(await run({ a: no, b: yes, c: no })).toMatchObject({ answers: ["b"] });
    expect(await run({})).toEqual({ asked: [], answers: [], failures: [] });
  });

  it("fails for what is no fault of a region", async () => {
    await expect(run({ a: no, b: yes }, { isNoAnswer: () => false })).rejects.toThrow("down");
  });
});
