import { Client } from "pg";
import { expect, test } from "vitest";
import { createRegions, waitFor } from "@/__tests__/support/stores";

test("each file gets databases that know their region and nothing else", async () => {
  const { regions, drop } = await createRegions({ count: 2 });
  for (const region of regions) {
    const { rows } = await region.pool.query(
      `SELECT mr.local_region() AS id, (SELECT leader FROM mr.leadership) AS leader,
              (SELECT count(*)::int FROM mr.region) AS regions,
              (SELECT count(*)::int FROM "Document") AS documents`,
    );
    expect(rows).toEqual([{ id: region.id, leader: regions[0]!.id, regions: 2, documents: 0 }]);
  }
  await drop();
});

test("a connection that is left open fails the file, and its database is gone all the same", async () => {
  const { regions, drop } = await createRegions({ count: 1 });
  const forgotten = new Client({
    connectionString: regions[0]!.appUrl,
    application_name: "forgotten",
  });
  forgotten.on("error", () => undefined);
  await forgotten.connect();
  await expect(drop()).rejects.toThrow(/left open:\nforgotten/);
  await expect(forgotten.query("SELECT 1")).rejects.toThrow();
  await forgotten.end().catch(() => undefined);
});

test("waitFor gives what it waited for, or says what it saw last", async () => {
  let calls = 0;
  expect(await waitFor(() => ++calls > 2 && "third")).toBe("third");
  await expect(waitFor(() => 0, { timeoutMs: 50, what: "a row", intervalMs: 10 })).rejects.toThrow(
    "Waited 50 ms for a row: it gave 0.",
  );
});
