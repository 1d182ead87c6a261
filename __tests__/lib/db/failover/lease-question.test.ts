import { describe, expect, test } from "vitest";
import { holdsLease } from "@/lib/db/failover/lease-question";
import type { PrismaClient } from "@/lib/generated/prisma/client";

/** A region whose answers a test gives, in the order of the questions. */
function region() {
  const questions: { answer(leads: boolean): void; fail(): void }[] = [];
  const db = {
    $queryRaw: () =>
      new Promise((resolve, reject) => {
        questions.push({
          answer: (leads) => resolve([{ leads }]),
          fail: () => reject(new Error("gone")),
        });
      }),
  } as unknown as PrismaClient;
  return { db, questions };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("whether a region has its lease", () => {
  test("is asked once for all who come while an earlier question is under way, and after it", async () => {
    const { db, questions } = region();
    const first = holdsLease(db);
    const later = [holdsLease(db), holdsLease(db), holdsLease(db)];
    expect(questions).toHaveLength(1);
    questions[0]!.answer(true);
    expect(await first).toBe(true);
    await settled();
    expect(questions).toHaveLength(2);
    // What was said before they asked says nothing of now.
    const last = holdsLease(db);
    questions[1]!.answer(false);
    expect(await Promise.all(later)).toEqual([false, false, false]);
    await settled();
    expect(questions).toHaveLength(3);
    questions[2]!.answer(true);
    expect(await last).toBe(true);
    void holdsLease(db);
    expect(questions).toHaveLength(4);
  });

  test("is no, where the region does not say, and is asked anew", async () => {
    const { db, questions } = region();
    const first = holdsLease(db);
    const second = holdsLease(db);
    questions[0]!.fail();
    expect(await first).toBe(false);
    await settled();
    questions[1]!.answer(true);
    expect(await second).toBe(true);
  });

  test("is asked of each region by itself", () => {
    const [here, there] = [region(), region()];
    void holdsLease(here.db);
    void holdsLease(there.db);
    expect([here.questions.length, there.questions.length]).toEqual([1, 1]);
  });
});
