import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { MultiRegionCMS } from "@/lib/cms/content-sync";
import { PublishedContentReader, type ContentCache } from "@/lib/cms/published";
import type { RegionId } from "@/lib/db/multi-region-config";
import { Runtime } from "@/lib/db/regions/runtime";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const REVIEWER = "reviewer";
const SLUG = "harbour";
const ROUNDS = 15;

let planet: TestPlanet;
let cms: MultiRegionCMS;
const readers: PublishedContentReader[] = [];

beforeAll(async () => {
  planet = await startTestPlanet({ count: 2, latency: true });
  await planet.startWorkers();
  const runtime = planet.runtime(US);
  cms = new MultiRegionCMS(() => runtime);
  await planet
    .region(US)
    .pool.query(
      `INSERT INTO "User" (id, email, name, "passwordHash", role) VALUES ($1, 'r@example.com', 'Reviewer', '', 'admin')`,
      [REVIEWER],
    );
  const input = { slug: SLUG, title: "Harbour", body: "0" };
  await cms.createContent(input, REVIEWER, US);
  await publish("0");
  await converged();
});
afterAll(async () => {
  for (const reader of readers) reader.looks.close();
  await planet.stop();
});

const converged = () => waitForConvergence(planet.regions, 30_000);

async function publish(body: string): Promise<void> {
  const clock = async () => (await cms.getContent(SLUG, US))!.item.clock;
  await cms.updateContent(SLUG, REVIEWER, US, { body }, await clock());
  await cms.moveContent(SLUG, REVIEWER, US, "submit", await clock());
  const done = await cms.moveContent(SLUG, REVIEWER, US, "publish", await clock());
  expect(done.kind).toBe("written");
}

/** As a web process: what is kept under a key stays. */
function memory(): { cache: ContentCache; loads: () => number } {
  const kept = new Map<string, unknown>();
  let loads = 0;
  return {
    loads: () => loads,
    cache: async <T>(key: readonly string[], _: readonly string[], load: () => Promise<T>) => {
      const name = JSON.stringify(key);
      if (!kept.has(name)) {
        loads++;
        kept.set(name, await load());
      }
      return kept.get(name) as T;
    },
  };
}

function readerIn(region: RegionId, cache = memory().cache): PublishedContentReader {
  const runtime = planet.runtime(region);
  const reader = new PublishedContentReader(cache, () => runtime);
  readers.push(reader);
  return reader;
}

/** The text that the region's own database has published. */
async function applied(region: RegionId): Promise<string | undefined> {
  const { rows } = await planet.region(region).pool.query<{ body: string }>(
    `SELECT v.body FROM "ContentItem" i JOIN "ContentVersion" v ON v.id = split_part(i.live, ' ', 2)
     WHERE i.id = $1`,
    [SLUG],
  );
  return rows[0]?.body;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** How long after the region had it the page showed it, in ms; checks that it never did before. */
async function follow(reader: PublishedContentReader, body: string): Promise<number> {
  let appliedMs = Infinity;
  const watching = (async () => {
    while (appliedMs === Infinity) {
      if ((await applied(EU)) === body) appliedMs = performance.now();
      else await pause(2);
    }
  })();
  for (;;) {
    const { value, receipt } = await reader.read(EU, SLUG);
    if (value?.body === body) {
      const shownMs = performance.now();
      expect(receipt.regionId).toBe(EU);
      // Asked only now: had the page been earlier than the region, the region would not have it.
      expect(await applied(EU)).toBe(body);
      await watching;
      return Math.max(0, shownMs - appliedMs);
    }
    await pause(5);
  }
}

function told(name: string, lateMs: number[]): void {
  const sorted = [...lateMs].sort((a, b) => a - b);
  const at = (q: number) => Math.round(sorted[Math.ceil(q * sorted.length) - 1] ?? NaN);
  process.stdout.write(
    `${name}: a page followed its region after p50 ${at(0.5)} ms, p95 ${at(0.95)} ms (n = ${sorted.length}).\n`,
  );
}

describe("a public page of a region", () => {
  it("follows within a second of the region, and never before it", async () => {
    const reader = readerIn(EU);
    const lateMs: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      await publish(`with messages ${round}`);
      lateMs.push(await follow(reader, `with messages ${round}`));
    }
    told("With messages", lateMs);
    expect(Math.max(...lateMs)).toBeLessThan(1_000);
  });

  it("does so without any message", async () => {
    const topology = planet.topology(EU);
    const runtime = new Runtime(() => ({
      ...topology,
      endpoints: (from, to) => ({ ...topology.endpoints(from, to), redis: null }),
    }));
    const reader = new PublishedContentReader(memory().cache, () => runtime);
    const lateMs: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      await publish(`without messages ${round}`);
      lateMs.push(await follow(reader, `without messages ${round}`));
    }
    await runtime.close();
    told("Without messages", lateMs);
    expect(Math.max(...lateMs)).toBeLessThan(1_000);
  });

  it("stays as it is while its region is cut off, whatever messages say", async () => {
    await converged();
    const reader = readerIn(EU);
    const before = (await reader.read(EU, SLUG)).value?.body;
    const links = [planet.link(US, EU), planet.link(EU, US)];
    for (const { postgres } of links) postgres.cut();
    for (const { redis } of links) redis?.cut();
    try {
      await publish("while cut off");
      for (let n = 0; n < 20; n++) {
        reader.looks.hint(EU);
        expect((await reader.read(EU, SLUG)).value?.body).toBe(before);
        await pause(20);
      }
    } finally {
      for (const { postgres } of links) postgres.heal();
      for (const { redis } of links) redis?.heal();
    }
    await follow(reader, "while cut off");
  });

  it("reads a text no more once it is kept, while nothing changes", async () => {
    await converged();
    const { cache, loads } = memory();
    const reader = readerIn(EU, cache);
    const answers = await Promise.all(Array.from({ length: 20 }, () => reader.read(EU, SLUG)));
    const sofar = loads();
    for (let n = 0; n < 20; n++) {
      const { receipt } = await reader.read(EU, SLUG);
      expect(receipt).toMatchObject({ fromCache: true, current: true });
    }
    expect(loads()).toBe(sofar);
    expect(new Set(answers.map(({ value }) => value?.versionId)).size).toBe(1);
  });

  it("keeps no list that lacks a version which is still on its way", async () => {
    await converged();
    const { versionId } = (await readerIn(EU).read(EU, SLUG)).value!;
    const setAway = async (deletedAt: string) => {
      const client = await planet.region(EU).pool.connect();
      try {
        // As if it had not been applied: no trigger sees this.
        await client.query("BEGIN; SET LOCAL session_replication_role = replica");
        await client.query(
          `UPDATE "ContentVersion" SET "deletedAt" = nullif($2, '')::timestamptz WHERE id = $1`,
          [versionId, deletedAt],
        );
        await client.query("COMMIT");
      } finally {
        client.release();
      }
    };
    const reader = readerIn(EU);
    await setAway("2026-01-01T00:00:00Z");
    expect((await reader.list(EU)).value).toEqual([]);
    await setAway("");
    const { value, receipt } = await reader.list(EU);
    expect(value.map(({ id }) => id)).toEqual([SLUG]);
    expect(receipt.fromCache).toBe(false);
    expect((await reader.list(EU)).receipt.fromCache).toBe(true);
  });

  it("says that it may be old while no region answers", async () => {
    const reader = readerIn(EU);
    await reader.read(EU, SLUG);
    const links = [planet.link(EU, EU), planet.link(EU, US)];
    for (const { postgres } of links) postgres.cut();
    try {
      const late = await waitFor(
        async () => {
          const { value, receipt } = await reader.read(EU, SLUG);
          return !receipt.current && { value, receipt };
        },
        { what: "an answer that is marked", timeoutMs: 15_000 },
      );
      expect(late.value?.id).toBe(SLUG);
      expect(late.receipt.regionId).toBe(EU);
    } finally {
      for (const { postgres } of links) postgres.heal();
    }
  });

  it("is gone once it is taken down, and lists what is left", async () => {
    await converged();
    const reader = readerIn(EU);
    expect((await reader.list(EU)).value.map(({ id }) => id)).toEqual([SLUG]);
    const { item } = (await cms.getContent(SLUG, US))!;
    await cms.moveContent(SLUG, REVIEWER, US, "archive", item.clock);
    await converged();
    await waitFor(async () => (await reader.read(EU, SLUG)).value === null, { what: "no page" });
    await waitFor(async () => (await reader.list(EU)).value.length === 0, { what: "no list" });
  });
});
