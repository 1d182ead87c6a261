import type pg from "pg";
import { expect, test } from "vitest";
import type { Promote } from "@/lib/db/failover/decide";
import type { AskedAttempt } from "@/lib/db/failover/leadership-loop";
import { PgAttemptHistory } from "@/lib/db/failover/pg-attempt-history";
import type { RegionId } from "@/lib/db/regions/region-id";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;

/** A database to which each write takes a while; what it was told of the attempt, in order. */
function slowly(told: string[]): pg.Pool {
  const query = async (_text: string, values: string[]) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    told.push((JSON.parse(values[0]!) as { status: string }).status);
    return { rows: [] };
  };
  return { query } as unknown as pg.Pool;
}

test("an attempt that has ended is written down at home before the pools may be closed, whoever else does not answer", async () => {
  const here: string[] = [];
  const silent = { query: () => new Promise(() => undefined) } as unknown as pg.Pool;
  const pools = new Map([
    [EU, slowly(here)],
    [US, silent],
  ]);
  const history = new PgAttemptHistory(EU, pools);
  const asked = { id: "a", kind: "failover" } as unknown as AskedAttempt;
  const plan = { kind: "promote", epoch: 2n, from: US } as unknown as Promote;
  const record = history.begin(asked, plan);
  for (let n = 0; n < 3; n++) record.step({ name: "granted", ms: n } as never);
  record.end({ kind: "completed", epoch: 2n, cut: new Map() });
  expect(here).toEqual([]);
  await history.settled();
  expect(here).toEqual([...Array<string>(4).fill("in_progress"), "completed"]);
  await history.settled();
});
