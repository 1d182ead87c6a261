import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitForConvergence } from "@/__tests__/support/convergence";
import { lead, restoreLease, revokeLease } from "@/__tests__/support/lead";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { MultiRegionCMS } from "@/lib/cms/content-sync";
import { ScheduledPublisher } from "@/lib/cms/scheduled-publisher";
import type { ContentOutcome } from "@/lib/cms/types";
import type { Move } from "@/lib/cms/workflow";
import { resolveConflict } from "@/lib/db/conflicts/resolve-conflict";
import { MultiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import type { DocumentClock } from "@/lib/documents/types";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const AP = "ap-southeast-1" as RegionId;
const AUTHOR = "author";
const OTHER = "other";
const REVIEWER = "reviewer";

let planet: TestPlanet;
let articles = 0;
/** As code in each region sees the planet. */
const cms = new Map<RegionId, MultiRegionCMS>();
const at = (region: RegionId) => cms.get(region)!;

beforeAll(async () => {
  planet = await startTestPlanet();
  await planet.startWorkers();
  for (const id of planet.ids) {
    const runtime = planet.runtime(id);
    cms.set(id, new MultiRegionCMS(() => runtime));
  }
  for (const [id, role] of [
    [AUTHOR, "user"],
    [OTHER, "user"],
    [REVIEWER, "admin"],
  ]) {
    await planet
      .region(US)
      .pool.query(
        `INSERT INTO "User" (id, email, name, "passwordHash", role) VALUES ($1, $1 || '@example.com', $1, '', $2)`,
        [id, role],
      );
  }
  await converged();
});
afterAll(() => planet.stop());

const converged = () => waitForConvergence(planet.regions, 30_000);

function written(outcome: ContentOutcome) {
  if (outcome.kind !== "written") throw new Error(JSON.stringify(outcome));
  return outcome;
}

async function create(region: RegionId = US, slug = `article-${articles++}`, userId = AUTHOR) {
  const input = { slug, title: "Ships", body: "Three ships." };
  const { item } = written(await at(region).createContent(input, userId, region));
  return item;
}

async function move(
  region: RegionId,
  id: string,
  userId: string,
  step: Exclude<Move, "edit">,
  options = {},
) {
  const { item } = (await at(region).getContent(id, region))!;
  return at(region).moveContent(id, userId, region, step, item.clock, options);
}

async function published(region: RegionId = US, slug?: string) {
  const { id } = await create(region, slug);
  written(await move(region, id, AUTHOR, "submit"));
  return written(await move(region, id, REVIEWER, "publish"));
}

/** The history as a region shows it, without what only that region can know. */
async function history(region: RegionId, id: string) {
  const { rows } = await planet
    .region(region)
    .pool.query(
      `SELECT to_jsonb(v) AS row FROM "ContentVersion" v WHERE v."contentId" = $1 ORDER BY v.id`,
      [id],
    );
  return rows;
}

async function conflicts(region: RegionId, id: string) {
  const { rows } = await planet.region(region).pool.query<{
    id: string;
    field: string;
    strategy: string;
    outcome: string;
  }>(
    `SELECT id, field, strategy, outcome FROM "Conflict"
     WHERE "entityType" = 'ContentItem' AND "entityId" = $1 ORDER BY field`,
    [id],
  );
  return rows;
}

async function cut(a: RegionId, b: RegionId, isCut: boolean): Promise<void> {
  for (const { postgres, redis } of [planet.link(a, b), planet.link(b, a)]) {
    for (const proxy of [postgres, redis]) await (isCut ? proxy?.cut() : proxy?.heal());
  }
}

/** Everything between the two, and from the third region to the second, so that nothing goes round. */
async function withPartition<T>(work: () => Promise<T>): Promise<T> {
  await Promise.all([cut(US, EU, true), cut(AP, EU, true)]);
  try {
    return await work();
  } finally {
    await Promise.all([cut(US, EU, false), cut(AP, EU, false)]);
  }
}

const edit = (region: RegionId, id: string, userId: string, body: string, base: DocumentClock) =>
  at(region).updateContent(id, userId, region, { body }, base);

describe("an article", () => {
  it("is written with its history in one transaction, and arrives as one", async () => {
    const item = await create(EU);
    written(await edit(EU, item.id, AUTHOR, "Four ships.", item.clock));
    await converged();
    for (const { pool, id: region } of planet.regions) {
      const { rows } = await pool.query<{ same: boolean; n: number }>(
        `SELECT count(*)::int AS n, bool_or(v.position = i.position AND v.origin = i.origin) AS same
         FROM "ContentVersion" v JOIN "ContentItem" i ON i.id = v."contentId" WHERE i.id = $1`,
        [item.id],
      );
      expect(rows, region).toEqual([{ n: 2, same: true }]);
    }
    const seen = (await at(AP).getContent(item.id, AP))!;
    expect(seen.item).toMatchObject({ body: "Four ships.", status: "draft", undecided: [] });
    expect(seen.versions.map(({ action, name }) => [action, name])).toEqual([
      ["edited", `${EU} 2`],
      ["created", `${EU} 1`],
    ]);
  });

  it("is changed by its author and by reviewers, and by nobody else", async () => {
    const { id, clock } = await create();
    expect(await edit(US, id, OTHER, "Mine.", clock)).toEqual({ kind: "not-found" });
    const refused = { kind: "refused", reason: "reviewers-only" };
    expect(await move(US, id, AUTHOR, "publish")).toEqual(refused);
    written(await move(US, id, AUTHOR, "submit"));
    expect(await move(US, id, AUTHOR, "publish")).toEqual(refused);
    const { item } = written(await move(US, id, REVIEWER, "publish"));
    expect(item.status).toBe("published");
  });

  it("shows the public what was published, whatever is drafted later", async () => {
    const { item, versionId } = await published();
    const draft = written(await edit(US, item.id, AUTHOR, "A later draft.", item.clock)).item;
    expect(draft).toMatchObject({ status: "draft", publishedVersion: versionId });
    // What a reviewer has not looked at is not published.
    const stale = await at(US).moveContent(item.id, AUTHOR, US, "submit", item.clock);
    expect(stale).toEqual({ kind: "refused", reason: "changed-since" });
  });

  it("gets the text of a former version as a new one", async () => {
    const item = await create();
    const first = (await at(US).getContent(item.id, US))!.versions[0]!;
    written(await edit(US, item.id, AUTHOR, "Changed.", item.clock));
    written(await move(US, item.id, AUTHOR, "restore", { versionId: first.id }));
    const now = (await at(US).getContent(item.id, US))!;
    expect(now.item.body).toBe("Three ships.");
    expect(now.versions.map(({ action }) => action)).toEqual(["restored", "edited", "created"]);
    expect(await move(US, item.id, AUTHOR, "restore", { versionId: "none" })).toEqual({
      kind: "refused",
      reason: "no-such-version",
    });
  });
});

describe("two editors in two regions that cannot hear each other", () => {
  it("make one conflict in all regions, which is decided, with one complete history everywhere", async () => {
    const { id, clock } = await create();
    await converged();
    await withPartition(async () => {
      written(await edit(US, id, AUTHOR, "As seen from Virginia.", clock));
      written(await edit(EU, id, REVIEWER, "As seen from Dublin.", clock));
    });
    await converged();
    for (const region of planet.ids) {
      expect(await conflicts(region, id), region).toMatchObject([
        { field: "body", strategy: "manual", outcome: "open" },
      ]);
      const { item, versions } = (await at(region).getContent(id, region))!;
      expect(item).toMatchObject({ undecided: ["body"] });
      expect(versions).toHaveLength(3);
    }
    // It is not published, nor written over, until somebody has decided.
    const undecided = { kind: "refused", reason: "undecided" };
    expect(await move(AP, id, AUTHOR, "submit")).toEqual(undecided);
    const { item } = (await at(AP).getContent(id, AP))!;
    expect(await edit(AP, id, AUTHOR, "Over it.", item.clock)).toEqual(undecided);

    const [conflict] = await conflicts(AP, id);
    const runtime = planet.runtime(AP);
    const db = new MultiRegionDb(() => runtime, AP).getWriteClient(AP);
    const value = "As seen from both.";
    const resolution = { choice: "edited" as const, value, shown: item.clock };
    const decided = await resolveConflict(conflict!.id, resolution, AUTHOR, {
      db,
      leader: () => null,
    });
    expect(decided.kind).toBe("resolved");
    await converged();
    const expected = await history(US, id);
    expect(expected).toHaveLength(4);
    for (const region of planet.ids) {
      const seen = (await at(region).getContent(id, region))!;
      expect(seen.item).toMatchObject({ body: value, undecided: [], status: "draft" });
      expect(seen.versions[0]).toMatchObject({ action: "resolved", body: value, regionId: AP });
      expect(await history(region, id)).toEqual(expected);
      const bodies = seen.versions.map(({ body }) => body);
      for (const text of ["As seen from Virginia.", "As seen from Dublin."]) {
        expect(bodies).toContain(text);
      }
      // Virginia and Dublin each wrote a second version: no two have one name.
      expect(new Set(seen.versions.map(({ name }) => name)).size).toBe(4);
    }
    written(await move(US, id, AUTHOR, "submit"));
  });

  it("do not disturb each other in different fields", async () => {
    const { id, clock } = await create();
    await converged();
    await withPartition(async () => {
      written(await at(US).updateContent(id, AUTHOR, US, { title: "Boats" }, clock));
      written(await edit(EU, id, REVIEWER, "Three boats.", clock));
    });
    await converged();
    expect(await conflicts(US, id)).toEqual([]);
    const { item } = (await at(US).getContent(id, US))!;
    expect(item).toMatchObject({ title: "Boats", body: "Three boats.", undecided: [] });
  });

  it("that take one slug have made one article, of which both are authors", async () => {
    const slug = "harbour";
    await withPartition(async () => {
      const input = { slug, title: "Harbour", body: "By the author." };
      written(await at(US).createContent(input, AUTHOR, US));
      written(await at(EU).createContent({ ...input, body: "By the other." }, OTHER, EU));
    });
    await converged();
    for (const region of planet.ids) {
      const { item, versions } = (await at(region).getContent(slug, region))!;
      // Whoever was first is called its author; nothing of the other is lost.
      expect(item).toMatchObject({ authorId: AUTHOR });
      expect(item.undecided).toContain("body");
      expect(versions.map(({ action, author }) => [action, author.userId])).toEqual([
        ["created", OTHER],
        ["created", AUTHOR],
      ]);
    }
    const { item } = (await at(EU).getContent(slug, EU))!;
    written(await at(EU).updateContent(slug, OTHER, EU, { title: "A harbour" }, { [EU]: 1 }));
    expect(item.id).toBe(slug);
    // One after the other it is refused.
    await converged();
    const third = { slug, title: "Mine", body: "Mine." };
    expect(await at(AP).createContent(third, OTHER, AP)).toEqual({ kind: "taken" });
  });

  it("cannot take down what is public by taking its slug", async () => {
    const slug = "lighthouse";
    const { versionId } = await withPartition(async () => {
      const live = await published(US, slug);
      // Later, and of somebody who has not heard of it.
      const input = { slug, title: "Lighthouse", body: "Another." };
      written(await at(EU).createContent(input, OTHER, EU));
      return live;
    });
    await converged();
    for (const region of planet.ids) {
      const { item } = (await at(region).getContent(slug, region))!;
      expect(item.publishedVersion).toBe(versionId);
    }
  });

  it("that publish and take down: the later decision holds everywhere", async () => {
    const { item } = await published();
    await converged();
    await withPartition(async () => {
      written(await edit(EU, item.id, AUTHOR, "A second edition.", item.clock));
      written(await move(EU, item.id, AUTHOR, "submit"));
      written(await move(EU, item.id, REVIEWER, "publish"));
      written(await move(US, item.id, REVIEWER, "archive"));
    });
    await converged();
    for (const region of planet.ids) {
      const now = (await at(region).getContent(item.id, region))!.item;
      expect(now).toMatchObject({ publishedVersion: null, status: "archived" });
    }
    const actions = (await at(AP).getContent(item.id, AP))!.versions.map(({ action }) => action);
    expect(actions.filter((action) => action === "published")).toHaveLength(2);
    expect(actions[0]).toBe("archived");
  });
});

describe("a scheduled version", () => {
  const publisher = (region: RegionId) => new ScheduledPublisher(planet.region(region).pool);

  /** Scheduled, and the time is over: the database's clock says so. */
  async function due(region: RegionId = US) {
    const { id } = await create(region);
    written(await move(region, id, AUTHOR, "submit"));
    const publishAtMs = Date.now() + 1_500;
    const { item } = written(await move(region, id, REVIEWER, "schedule", { publishAtMs }));
    expect(item).toMatchObject({
      status: "scheduled",
      publishAt: new Date(publishAtMs).toISOString(),
    });
    return { id, item, over: () => passed(publishAtMs) };
  }

  async function passed(ms: number): Promise<void> {
    await planet
      .region(US)
      .pool.query(
        "SELECT pg_sleep(greatest(0, $1 / 1000.0 - extract(epoch FROM clock_timestamp())))",
        [ms],
      );
  }

  const publications = async (region: RegionId, id: string) =>
    (await at(region).getContent(id, region))!.versions.filter(
      ({ action }) => action === "published",
    );

  it("is published by the leader alone, when it is due, once however many workers look", async () => {
    const { id, over } = await due(EU);
    await converged();
    expect(await publisher(US).publishDue()).toBe(0);
    // Drafts that are written meanwhile are not what was approved.
    const before = (await at(EU).getContent(id, EU))!.item;
    written(await edit(EU, id, AUTHOR, "Not reviewed.", before.clock));
    await converged();
    await over();
    expect(await publisher(EU).publishDue()).toBe(0);
    const counts = await Promise.all([1, 2, 3, 4].map(() => publisher(US).publishDue()));
    expect(counts.reduce((sum, count) => sum + count)).toBe(1);
    expect(await publisher(US).publishDue()).toBe(0);
    await converged();
    for (const region of planet.ids) {
      const [only, ...more] = await publications(region, id);
      expect(more).toEqual([]);
      expect(only).toMatchObject({ body: "Three ships.", author: { userId: REVIEWER } });
      const { item } = (await at(region).getContent(id, region))!;
      expect(item).toMatchObject({ publishedVersion: only!.id, publishAt: null, status: "draft" });
    }
  });

  it("is made up for by the next leader, and is one even where two believe to lead", async () => {
    const { id, over } = await due();
    await converged();
    await over();
    // The leader has lost its lease before the time came: nobody publishes.
    await revokeLease(planet, US);
    expect(await publisher(US).publishDue()).toBe(0);
    await withPartition(async () => {
      // Both have a lease that their databases believe in, and neither hears of the other.
      await restoreLease(planet, US);
      await planet.region(EU).pool.query(`UPDATE mr.lease SET epoch = 2, valid_until = 'infinity',
        seen_at = '-infinity', server_start = pg_postmaster_start_time()`);
      expect(await publisher(US).publishDue()).toBe(1);
      expect(await publisher(EU).publishDue()).toBe(1);
    });
    await lead(planet, EU, 2);
    await converged();
    expect(await publisher(EU).publishDue()).toBe(0);
    for (const region of planet.ids) {
      expect(await publications(region, id)).toHaveLength(1);
      expect((await at(region).getContent(id, region))!.item.status).toBe("published");
    }
    expect(await conflicts(US, id)).toEqual([]);
    await lead(planet, US, 3);
  });

  it("stays away where it was called off before it was published, heard of or not", async () => {
    const { id, over } = await due();
    await converged();
    await withPartition(async () => {
      written(await move(EU, id, REVIEWER, "archive"));
      await over();
      expect(await publisher(US).publishDue()).toBe(1);
      expect((await at(US).getContent(id, US))!.item.status).toBe("published");
    });
    await converged();
    for (const region of planet.ids) {
      const { item } = (await at(region).getContent(id, region))!;
      expect(item).toMatchObject({ status: "archived", publishedVersion: null, publishAt: null });
    }
  });

  it("is not set for the past, nor published after it was called off", async () => {
    const { id, over } = await due();
    written(await move(US, id, REVIEWER, "unschedule"));
    await over();
    expect(await publisher(US).publishDue()).toBe(0);
    const refused = { kind: "refused", reason: "in-the-past" };
    const publishAtMs = Date.now() - 60_000;
    expect(await move(US, id, REVIEWER, "schedule", { publishAtMs })).toEqual(refused);
  });
});

describe("sending an article once more", () => {
  it("says what it did, and changes nothing", async () => {
    const { item } = await published();
    await converged();
    const before = (await at(AP).getContent(item.id, AP))!.versions;
    const done = await at(US).forceSyncContent(item.id, EU);
    expect(done).toEqual({ found: true, sourceRegion: EU, item: 1, versions: 3 });
    await converged();
    const after = (await at(AP).getContent(item.id, AP))!;
    expect(after.item).toMatchObject({ status: "published", undecided: [], origin: EU });
    // Neither the order nor a name follows whoever sent the rows.
    expect(after.versions).toEqual(before);
    expect(before.map(({ name }) => name)).toEqual([`${US} 3`, `${US} 2`, `${US} 1`]);
    expect(await at(US).forceSyncContent("none", EU)).toMatchObject({ found: false, item: 0 });
  });
});
