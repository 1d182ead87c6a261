import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { untilTold, waitForConvergence } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { MultiRegionCMS } from "@/lib/cms/content-sync";
import { PublishedContentReader, type ContentCache } from "@/lib/cms/published";
import { ScheduledPublisher } from "@/lib/cms/scheduled-publisher";
import { moveArticle } from "@/lib/cms/statements";
import type { ContentOutcome } from "@/lib/cms/types";
import type { RegionId } from "@/lib/db/multi-region-config";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const AP = "ap-southeast-1" as RegionId;
const REVIEWER = "reviewer";
const IN_EU = { residency: "eu", regions: [EU] };

let planet: TestPlanet;
const readers: PublishedContentReader[] = [];

beforeAll(async () => {
  planet = await startTestPlanet({ latency: true });
  await planet.startWorkers();
  await planet
    .region(US)
    .pool.query(
      `INSERT INTO "User" (id, email, name, "passwordHash", role) VALUES ($1, 'r@example.com', 'Reviewer', '', 'admin')`,
      [REVIEWER],
    );
  await waitForConvergence(planet.regions, 30_000);
});
afterAll(async () => {
  for (const reader of readers) reader.looks.close();
  await planet.stop();
});

function cmsIn(region: RegionId): MultiRegionCMS {
  const runtime = planet.runtime(region);
  return new MultiRegionCMS(() => runtime);
}

type Written = Extract<ContentOutcome, { kind: "written" }>;

function written(outcome: ContentOutcome): Written {
  if (outcome.kind !== "written") throw new Error(JSON.stringify(outcome));
  return outcome;
}

async function create(slug: string, from = US, placement = IN_EU): Promise<Written> {
  const input = { slug, title: `Title of ${slug}`, body: `Text of ${slug}`, placement };
  return written(await cmsIn(from).createContent(input, REVIEWER, from));
}

async function publish(slug: string, from: RegionId): Promise<Written> {
  const cms = cmsIn(from);
  const clock = async () => (await cmsIn(EU).getContent(slug, EU))!.item.clock;
  written(await cms.moveContent(slug, REVIEWER, from, "submit", await clock()));
  return written(await cms.moveContent(slug, REVIEWER, from, "publish", await clock()));
}

async function move(slug: string, at: RegionId, residency: string | null, regions: RegionId[]) {
  const db = planet.runtime(at).clients.write(at, at);
  const moved = await moveArticle(db, { id: slug, userId: REVIEWER, residency, regions });
  expect(moved).toMatchObject({ readable: true, allowed: true });
}

/** Rows and events of an article, its history and its conflicts, that a region's database has. */
async function held(region: RegionId, slug: string): Promise<number> {
  const counts = await Promise.all(
    ["", "mr.outbox_"].map(async (prefix) => {
      const table = (name: string) => (prefix === "" ? `"${name}"` : `mr."outbox_${name}"`);
      const { rows } = await planet.region(region).pool.query<{ n: number }>(
        `SELECT ((SELECT count(*) FROM ${table("ContentItem")} WHERE id = $1)
          + (SELECT count(*) FROM ${table("ContentVersion")} WHERE "contentId" = $1)
          + (SELECT count(*) FROM ${table("Conflict")} WHERE "entityId" = $1))::integer AS n`,
        [slug],
      );
      return rows[0]?.n ?? NaN;
    }),
  );
  return counts.reduce((sum, n) => sum + n, 0);
}

const gives = (region: RegionId, slug: string, what: boolean) =>
  waitFor(async () => (await held(region, slug)) > 0 === what, {
    timeoutMs: 20_000,
    what: `${region} to ${what ? "have" : "have nothing of"} ${slug}`,
  });

function readerIn(region: RegionId): { reader: PublishedContentReader; kept: () => number } {
  const entries = new Map<string, unknown>();
  const cache: ContentCache = async <T>(
    key: readonly string[],
    _: readonly string[],
    load: () => Promise<T>,
  ) => {
    const name = JSON.stringify(key);
    if (!entries.has(name)) entries.set(name, await load());
    return entries.get(name) as T;
  };
  const runtime = planet.runtime(region);
  const reader = new PublishedContentReader(cache, () => runtime);
  readers.push(reader);
  return { reader, kept: () => entries.size };
}

describe("an article that is kept in Dublin", () => {
  it("is written there from anywhere, and is nowhere else", async () => {
    const made = await create("kept");
    expect(made.route).toMatchObject({ regionId: EU, reason: "redirected-residency" });
    await untilTold(planet.regions);
    expect(await held(EU, "kept")).toBeGreaterThan(1);
    const edit = await cmsIn(AP).updateContent(
      "kept",
      REVIEWER,
      AP,
      { body: "Edited from Singapore" },
      made.item.clock,
    );
    expect(written(edit).route).toMatchObject({
      regionId: EU,
      reason: "redirected-residency",
      waitedMs: 0,
    });
    await untilTold(planet.regions);
    expect(await Promise.all([US, AP].map((region) => held(region, "kept")))).toEqual([0, 0]);
    expect((await cmsIn(EU).getContent("kept", EU))?.versions).toHaveLength(2);
  });

  it("has its address for itself in every region", async () => {
    await create("one-address");
    await untilTold(planet.regions);
    const input = { slug: "one-address", title: "Another", body: "Other text" };
    for (const region of [US, AP, EU]) {
      for (const placement of [undefined, IN_EU, { residency: "ap", regions: [AP] }]) {
        const again = await cmsIn(region).createContent({ ...input, placement }, REVIEWER, region);
        expect(again.kind).toBe("taken");
      }
    }
    const { rows } = await planet
      .region(AP)
      .pool.query(`SELECT regions FROM "Placement" WHERE id = 'ContentItem/one-address'`);
    expect(rows).toEqual([{ regions: [EU] }]);
  });

  it("is served across to the public, and kept nowhere on the way", async () => {
    await create("public");
    await publish("public", US);
    await untilTold(planet.regions);
    const far = readerIn(AP);
    for (let n = 0; n < 2; n++) {
      const { value, receipt } = await far.reader.read(AP, "public");
      expect(value?.body).toBe("Text of public");
      expect(receipt).toMatchObject({ regionId: EU, vantage: AP, keptElsewhere: true });
      expect(receipt.fromCache).toBe(false);
    }
    expect((await far.reader.list(AP)).value.map(({ id }) => id)).not.toContain("public");
    expect(far.kept()).toBe(0);
    const near = readerIn(EU);
    await near.reader.read(EU, "public");
    const again = await near.reader.read(EU, "public");
    expect(again.receipt).toMatchObject({ regionId: EU, keptElsewhere: false, fromCache: true });
    expect((await near.reader.list(EU)).value.map(({ id }) => id)).toContain("public");
    // While Dublin is out of reach nobody else can say more than that.
    for (const { postgres } of [planet.link(AP, EU), planet.link(US, EU)]) postgres.cut();
    try {
      await expect(readerIn(AP).reader.read(AP, "public")).rejects.toThrow();
    } finally {
      for (const { postgres } of [planet.link(AP, EU), planet.link(US, EU)]) postgres.heal();
    }
  });

  it("is not there for the public before it is published", async () => {
    await create("draft-only");
    await untilTold(planet.regions);
    expect((await readerIn(AP).reader.read(AP, "draft-only")).value).toBeNull();
    expect((await readerIn(EU).reader.read(EU, "draft-only")).value).toBeNull();
  });

  it("is published on time by Dublin, while Virginia leads", async () => {
    const { item } = await create("on-time");
    const { item: sent } = written(
      await cmsIn(US).moveContent("on-time", REVIEWER, US, "submit", item.clock),
    );
    const publishAtMs = Date.now() + 2_000;
    written(
      await cmsIn(US).moveContent("on-time", REVIEWER, US, "schedule", sent.clock, { publishAtMs }),
    );
    const publishers = planet.regions.map(({ id, pool }) => ({
      id,
      publisher: new ScheduledPublisher(pool),
    }));
    const by: string[] = [];
    await waitFor(
      async () => {
        for (const { id, publisher } of publishers) {
          if ((await publisher.publishDue()) > 0) by.push(id);
        }
        return by.length > 0;
      },
      { timeoutMs: 10_000, what: "the article to be published" },
    );
    expect(by).toEqual([EU]);
    expect((await readerIn(AP).reader.read(AP, "on-time")).value?.body).toBe("Text of on-time");
  });

  it("moves with its history and its conflict, and back to everywhere", async () => {
    const pair = { residency: "pair", regions: [EU, AP] };
    const { item } = await create("goes", EU, pair);
    await gives(AP, "goes", true);
    for (const [a, b] of [
      [EU, AP],
      [AP, EU],
    ] as const) {
      planet.link(a, b).postgres.cut();
      planet.link(a, b).redis?.cut();
    }
    for (const region of [EU, AP]) {
      const body = `As ${region} wrote it`;
      written(await cmsIn(region).updateContent("goes", REVIEWER, region, { body }, item.clock));
    }
    for (const [a, b] of [
      [EU, AP],
      [AP, EU],
    ] as const) {
      planet.link(a, b).postgres.heal();
      planet.link(a, b).redis?.heal();
    }
    await waitFor(
      async () => (await cmsIn(EU).getContent("goes", EU))?.item.undecided.includes("body"),
      { timeoutMs: 20_000, what: "the conflict" },
    );
    expect(await held(US, "goes")).toBe(0);

    await move("goes", EU, "ap", [AP]);
    await gives(EU, "goes", false);
    expect((await cmsIn(AP).getContent("goes", AP))?.versions).toHaveLength(3);
    expect(await held(US, "goes")).toBe(0);

    await move("goes", AP, null, []);
    for (const region of [US, EU]) {
      await waitFor(
        async () => (await cmsIn(region).getContent("goes", region))?.versions.length === 3,
        { timeoutMs: 20_000, what: `the article and its history to be in ${region}` },
      );
    }
  });
});
