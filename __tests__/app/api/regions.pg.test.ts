import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { healAll, serveFrom, signInAs } from "@/__tests__/support/route-planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { GET as leaderHealth } from "@/app/api/health/leader/route";
import { GET as liveHealth } from "@/app/api/health/live/route";
import { GET as readyHealth } from "@/app/api/health/ready/route";
import { GET as replicaHealth } from "@/app/api/health/replica/route";
import { GET as getPreview } from "@/app/api/regions/failover/preview/route";
import { POST as postFailover } from "@/app/api/regions/failover/route";
import { GET as getFailovers } from "@/app/api/regions/failovers/route";
import { POST as postPause } from "@/app/api/regions/pause/route";
import { GET as getCheck, POST as postCheck } from "@/app/api/regions/check/route";
import { GET as getStatus } from "@/app/api/regions/status/route";
import { GET as getStranded } from "@/app/api/regions/stranded/route";
import { readAudit } from "@/lib/audit";
import type { Role } from "@/lib/auth/session-options";
import { failoverManager } from "@/lib/db/failover-manager";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { FailoverPreview, FailoverRecord } from "@/lib/failover-shape";
import type { RegionStatus } from "@/lib/region-status-shape";
import type { RepairCheck } from "@/lib/repair-check-shape";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1" as RegionId;
const SINGAPORE = "ap-southeast-1" as RegionId;

/** The cookies of the request under test: the framework's edge, which no request reaches here. */
const jar = vi.hoisted(() => new Map<string, string>());
vi.mock("next/headers", () => ({
  cookies: async () => ({
    get: (name: string) => (jar.has(name) ? { name, value: jar.get(name) } : undefined),
    set: () => undefined,
  }),
  headers: async () => new Headers(),
}));

let planet: TestPlanet;
let stopServing: () => void;

beforeAll(async () => {
  planet = await startTestPlanet({ failover: { automatic: false, maxBehindMs: 2_000 } });
  await planet.startWorkers();
  stopServing = serveFrom(planet, VIRGINIA);
  await calm();
});
afterEach(() => {
  jar.clear();
  healAll(planet);
});
afterAll(async () => {
  stopServing();
  await planet.stop();
});

const signIn = (role: Role) => signInAs(jar, role);

function get(path: string): Request {
  return new Request(`http://meridian.test${path}`);
}

function post(body: unknown, headers: Record<string, string> = SAME_ORIGIN): Request {
  return new Request("http://meridian.test/", {
    method: "POST",
    headers: { host: "meridian.test", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const SAME_ORIGIN = { origin: "http://meridian.test" };

/** The body, of which nobody learns where a database is, and which no cache keeps. */
async function read(response: Response, status: number): Promise<unknown> {
  const text = await response.text();
  expect([response.status, text]).toEqual([status, text]);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(text).not.toMatch(/postgres|127\.0\.0\.1|localhost|password|ECONN/i);
  return JSON.parse(text);
}

async function calm(): Promise<RegionId> {
  const preview = await waitFor(
    async () => {
      const now = await failoverManager.previewFailover();
      const others = now.candidates.filter(({ leads }) => !leads);
      const known = others.every(({ refusal, behindMs }) => !refusal && behindMs !== null);
      return now.leader?.leading && known && now;
    },
    { timeoutMs: 20_000, what: "calm" },
  );
  return preview.leader!.regionId as RegionId;
}

/** Nobody reaches the other databases, so nobody can renew the leader's lease. */
function withoutMajority(leader: RegionId): void {
  for (const from of planet.ids) {
    for (const to of planet.ids) if (to !== leader) planet.link(from, to).postgres.cut();
  }
}

async function aFollower(): Promise<RegionId> {
  const leader = await calm();
  return planet.ids.find((id) => id !== leader && id !== VIRGINIA)!;
}

const order = (toRegion: string, more: object = {}) => ({
  toRegion,
  reason: "because of a secret",
  confirm: toRegion,
  ...more,
});

describe("POST /api/regions/failover", () => {
  it("is for administrators, and for pages of this site", async () => {
    const to = await aFollower();
    expect(await read(await postFailover(post(order(to))), 401)).toMatchObject({
      code: "unauthenticated",
    });
    await signIn("user");
    await read(await postFailover(post(order(to))), 403);
    await signIn("admin");
    for (const headers of [
      {},
      { origin: "http://evil.test" },
      { origin: "null" },
      { ...SAME_ORIGIN, "sec-fetch-site": "cross-site" },
    ] as Record<string, string>[]) {
      await read(await postFailover(post(order(to), headers)), 403);
    }
    expect(await failoverManager.getFailoverHistory()).toEqual([]);
  });

  it.each([
    ["no JSON", "{", undefined],
    ["no object", "[]", undefined],
    ["no region", { reason: "x", confirm: "" }, "toRegion"],
    ["no reason", order(DUBLIN, { reason: "  " }), "reason"],
    ["a reason that is too long", order(DUBLIN, { reason: "x".repeat(501) }), "reason"],
    ["another kind", order(DUBLIN, { kind: "automatic" }), "kind"],
    ["no confirmation", order(DUBLIN, { confirm: undefined }), "confirm"],
    ["another confirmation", order(DUBLIN, { confirm: SINGAPORE }), "confirm"],
  ])("refuses a body with %s", async (_, body, field) => {
    await signIn("admin");
    const answer = await read(await postFailover(post(body)), 400);
    expect(answer).toMatchObject({ code: "invalid" });
    if (field) expect(answer).toHaveProperty(["fields", field]);
  });

  it("refuses an unknown region, and the one that leads", async () => {
    const leader = await calm();
    await signIn("admin");
    for (const [region, reason] of [
      ["mars-1", "unknown-region"],
      [leader, "already-leader"],
    ] as const) {
      const answer = await read(await postFailover(post(order(region))), 400);
      expect(answer).toMatchObject({ code: "refused", reason, message: expect.any(String) });
    }
  });

  it("refuses a region that does not answer", async () => {
    const to = await aFollower();
    await signIn("admin");
    planet.link(VIRGINIA, to).postgres.cut({ direction: "both" });
    expect(await read(await postFailover(post(order(to))), 400)).toMatchObject({
      reason: "unhealthy",
    });
    const { candidates } = await failoverManager.previewFailover(to);
    expect(candidates).toMatchObject([
      { reachable: false, lacks: { kind: "unknown" }, stranded: { kind: "unknown" } },
    ]);
  });

  it("refuses a region that is too far behind", async () => {
    const leader = await calm();
    const to = await aFollower();
    await signIn("admin");
    const applier = await planet.region(to).pool.connect();
    try {
      await applier.query("BEGIN");
      await applier.query("SELECT FROM mr.cursor FOR UPDATE");
      await planet
        .region(leader)
        .pool.query(
          `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ('behind', 'b@example.com', 'x', 'x')`,
        );
      await waitFor(
        async () => {
          const { candidates } = await failoverManager.previewFailover(to);
          return candidates[0]?.refusal;
        },
        { timeoutMs: 15_000 },
      );
      expect(await read(await postFailover(post(order(to))), 400)).toMatchObject({
        reason: "too-far-behind",
      });
    } finally {
      await applier.query("ROLLBACK");
      applier.release();
    }
  });

  it("answers 503 without a majority", async () => {
    const leader = await calm();
    await signIn("admin");
    withoutMajority(leader);
    // A lost lease makes Virginia a region that may be asked to lead again.
    await waitFor(async () => (await failoverManager.previewFailover()).leader?.leading === false, {
      timeoutMs: 15_000,
    });
    expect(leader).toBe(VIRGINIA);
    expect(await read(await postFailover(post(order(VIRGINIA))), 503)).toMatchObject({
      reason: "no-majority",
    });
  });

  it("answers 409 while another attempt runs", async () => {
    const to = await aFollower();
    await signIn("admin");
    const { pool } = planet.region(SINGAPORE);
    await pool.query(
      `INSERT INTO mr.failover_attempt (id, kind, to_region, reason, requested_by, status)
       VALUES ('open', 'failover', $1, 'x', 'x', 'in_progress')`,
      [SINGAPORE],
    );
    expect(await read(await postFailover(post(order(to))), 409)).toMatchObject({
      reason: "running",
    });
    await pool.query("DELETE FROM mr.failover_attempt WHERE id = 'open'");
  });

  it("answers 202 with the attempt, and everybody sees that it ended", async () => {
    const from = await calm();
    const to = await aFollower();
    await signIn("admin");
    const taken = await postFailover(post(order(to)));
    const again = await postFailover(post(order(to)));
    // Once the first has ended, the second is for a region that leads already.
    const refusal = (await read(again, again.status)) as { reason: string };
    expect([
      [409, "running"],
      [400, "already-leader"],
    ]).toContainEqual([again.status, refusal.reason]);
    const { attempt } = (await read(taken, 202)) as { attempt: FailoverRecord };
    expect(attempt).toMatchObject({
      kind: "switchover",
      fromRegion: from,
      toRegion: to,
      requestedBy: "the-admin",
      reason: "because of a secret",
    });

    const done = await waitFor(
      async () => {
        const all = (await (await getFailovers(get("/"))).json()) as FailoverRecord[];
        const found = all.find(({ id }) => id === attempt.id);
        return found?.completedAt && found;
      },
      { timeoutMs: 15_000 },
    );
    expect(done).toMatchObject({ status: "completed", requestedBy: "the-admin" });
    expect(done.steps.map(({ name }) => name)).toContain("serve");
    jar.clear();
    const anonymous = await read(await getFailovers(get("/?limit=1")), 200);
    expect(anonymous).toEqual([
      {
        id: attempt.id,
        timestamp: done.timestamp,
        fromRegion: from,
        toRegion: to,
        reason: "on request",
        status: "completed",
        kind: "switchover",
        epoch: done.epoch,
        startedAt: done.startedAt,
        completedAt: done.completedAt,
        steps: done.steps.map(({ name, startedMs, ms }) => ({ name, startedMs, ms })),
      },
    ]);
    await read(await getFailovers(get("/?limit=none")), 400);
  });
});

describe("what only administrators read", () => {
  it("is the preview", async () => {
    await read(await getPreview(get("/")), 401);
    await signIn("user");
    await read(await getPreview(get("/")), 403);
    await signIn("admin");
    const leader = await calm();
    const preview = (await read(await getPreview(get("/")), 200)) as FailoverPreview;
    expect(preview).toMatchObject({ leader: { regionId: leader, leading: true }, voting: 3 });
    const one = (await read(await getPreview(get(`/?to=${SINGAPORE}`)), 200)) as FailoverPreview;
    expect(one.candidates.map(({ regionId }) => regionId)).toEqual([SINGAPORE]);
    expect(await read(await getPreview(get("/?to=mars-1")), 400)).toMatchObject({
      reason: "unknown-region",
    });
  });

  it("is the list of stranded writes", async () => {
    await read(await getStranded(), 401);
    await signIn("user");
    await read(await getStranded(), 403);
    await signIn("admin");
    expect(await read(await getStranded(), 200)).toEqual({ writes: [], missing: [] });
  });
});

describe("POST /api/regions/pause", () => {
  const body = { paused: true, reason: "maintenance", confirm: "pause" };

  it("is for administrators who typed the word", async () => {
    await read(await postPause(post(body)), 401);
    await signIn("user");
    await read(await postPause(post(body)), 403);
    await signIn("admin");
    await read(await postPause(post(body, {})), 403);
    await read(await postPause(post({ ...body, confirm: "resume" })), 400);
    await read(await postPause(post({ ...body, paused: "yes" })), 400);
  });

  it("pauses and resumes, for everybody to see", async () => {
    await calm();
    await signIn("admin");
    for (const paused of [true, false]) {
      const confirm = paused ? "pause" : "resume";
      const answer = await read(await postPause(post({ ...body, paused, confirm })), 200);
      expect(answer).toEqual({ paused, told: planet.ids, missed: [] });
      await waitFor(async () => {
        const regions = (await read(await getStatus(), 200)) as RegionStatus[];
        return regions.every((region) => region.paused === paused);
      });
    }
  });
});

describe("GET /api/regions/status", () => {
  it("says who leads, in which epoch and with how much of its lease", async () => {
    const leader = await calm();
    const regions = await waitFor(async () => {
      const now = (await read(await getStatus(), 200)) as RegionStatus[];
      return now.filter(({ leading }) => leading).length === 1 && now;
    });
    expect(regions.find(({ leading }) => leading)).toMatchObject({
      regionId: leader,
      isPrimary: true,
      epoch: expect.any(Number),
    });
    for (const { leading, leaseRemainingMs } of regions) {
      expect(leaseRemainingMs !== null).toBe(leading);
    }
  });
});

describe("the status routes, polled while a region is dead", () => {
  it("answer in 50 ms, at the 95th percentile, and wait for nobody", async () => {
    await calm();
    await signIn("admin");
    const dead = SINGAPORE;
    for (const from of planet.ids) planet.link(from, dead).postgres.cut({ direction: "both" });
    const routes = [
      () => getStatus(),
      () => getFailovers(get("/?limit=10")),
      () => getFailovers(get("/?limit=20")),
    ];
    const poll = async (rounds: number) => {
      const took: number[] = [];
      for (let round = 0; round < rounds; round++) {
        for (const route of routes) {
          const startedMs = performance.now();
          expect((await route()).status).toBe(200);
          took.push(performance.now() - startedMs);
        }
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      return took.sort((a, b) => a - b);
    };
    // Until it is known to be dead, a question may wait for it once.
    await poll(20);
    const took = await poll(40);
    const p95Ms = took[Math.ceil(took.length * 0.95) - 1] ?? Infinity;
    console.log(`p50 ${took[took.length >> 1]?.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms`);
    expect(p95Ms).toBeLessThanOrEqual(50);
    const regions = (await read(await getStatus(), 200)) as RegionStatus[];
    expect(regions.find(({ regionId }) => regionId === dead)?.healthy).toBe(false);
  });
});

describe("comparing all regions on request", () => {
  it("is for administrators, and for pages of this site", async () => {
    await read(await getCheck(), 401);
    await read(await postCheck(post({})), 401);
    await signIn("user");
    await read(await getCheck(), 403);
    await read(await postCheck(post({})), 403);
    await signIn("admin");
    await read(await postCheck(post({}, { origin: "http://evil.test" })), 403);
    expect(await read(await getCheck(), 200)).toEqual({ check: null });
  });

  it("is done once by the worker, finds what differs, and is in the audit", async () => {
    await calm();
    await signIn("admin");
    const { pool } = planet.region(DUBLIN);
    await planet
      .region(VIRGINIA)
      .pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ('check', 'x', 'u')`);
    await waitFor(async () => {
      const { rowCount } = await pool.query(`SELECT FROM "Document" WHERE id = 'check'`);
      return rowCount === 1;
    });
    // As a failing disk would: no trigger sees it.
    await pool.query(`BEGIN; SET LOCAL session_replication_role = replica;
      UPDATE "Document" SET title = 'y' WHERE id = 'check'; COMMIT`);
    const first = (await read(await postCheck(post({})), 202)) as { id: string };
    expect(await read(await postCheck(post({})), 202)).toEqual(first);
    const check = await waitFor(
      async () => {
        const now = (await read(await getCheck(), 200)) as { check: RepairCheck };
        return now.check.endedAt !== null && now.check;
      },
      { timeoutMs: 30_000, what: "the comparison" },
    );
    expect(check).toMatchObject({ id: first.id, requestedBy: "the-admin", error: null });
    expect(check.report).toMatchObject({ outcome: "different", differences: 1 });
    expect(check.report?.examples).toEqual([{ entity: "Document", id: "check", kind: "content" }]);
    const page = await readAudit(VIRGINIA, null);
    const checks = page.records.filter(({ action }) => action === "repair.check");
    expect(checks.map(({ result }) => result)).toEqual([
      expect.stringMatching(/^different: 1 of \d+ rows$/),
      "requested",
    ]);
    expect(checks[1]).toMatchObject({ userId: "the-admin", subject: VIRGINIA });
  });
});

describe("the audit of all regions", () => {
  it("is read a page at a time, without what a dead region has", async () => {
    for (const id of planet.ids) {
      for (let n = 0; n < 30; n++) {
        await planet
          .region(id)
          .pool.query("SELECT mr.write_audit('somebody', 'test', $1, '{}', 'done')", [
            `${id} ${n}`,
          ]);
      }
    }
    const seen = new Set<string>();
    let before: string | null = null;
    let pages = 0;
    for (;;) {
      const page = await readAudit(VIRGINIA, before);
      expect(page.missing).toEqual([]);
      for (const { action, subject } of page.records) if (action === "test") seen.add(subject);
      pages += 1;
      if (page.next === null) break;
      before = page.next;
    }
    expect(seen.size).toBe(90);
    expect(pages).toBeGreaterThan(1);
    planet.link(VIRGINIA, DUBLIN).postgres.cut({ direction: "both" });
    const partly = await readAudit(VIRGINIA, null);
    expect(partly.missing).toEqual([DUBLIN]);
    expect(partly.records.some(({ regionId }) => regionId === DUBLIN)).toBe(false);
  });
});

describe("health", () => {
  it("of the process, and of any region", async () => {
    await read(liveHealth(), 200);
    expect(await read(await readyHealth(), 200)).toMatchObject({ status: "ready" });
  });

  it("of the leader: 200 from it alone", async () => {
    const leader = await calm();
    const ask = async (region: string) => leaderHealth(get(`/?region=${region}`));
    expect(await read(await ask(leader), 200)).toMatchObject({ status: "leader", region: leader });
    const other = await aFollower();
    expect(await read(await ask(other), 503)).toEqual({
      status: "not-leader",
      region: other,
      reason: "follows",
      leader,
    });
    // Without a name it is the region of the process.
    const own = await leaderHealth(get("/"));
    expect(own.status).toBe(leader === VIRGINIA ? 200 : 503);
    await read(await ask("mars-1"), 400);
  });

  it("of a leader without a lease: 503", async () => {
    const leader = await calm();
    withoutMajority(leader);
    await waitFor(
      async () => {
        const answer = await leaderHealth(get(`/?region=${leader}`));
        const body = (await read(answer, answer.status)) as { reason?: string };
        return answer.status === 503 && body.reason === "no-lease";
      },
      { timeoutMs: 15_000 },
    );
  });

  it("of a copy: 200 while it answers and is not too far behind", async () => {
    await calm();
    const ask = async (query: string) => replicaHealth(get(`/?region=${DUBLIN}${query}`));
    expect(await read(await ask(""), 200)).toMatchObject({ status: "replica", region: DUBLIN });
    await waitFor(async () => (await ask("&maxLagMs=60000")).status === 200);
    expect(await read(await ask("&maxLagMs=0"), 503)).toMatchObject({ reason: "too-far-behind" });
    for (const bad of ["-1", "1.5", "", "x", "1e9"]) await read(await ask(`&maxLagMs=${bad}`), 400);
  });

  it("of regions that do not answer: 503, without a long wait", async () => {
    await calm();
    planet.link(VIRGINIA, SINGAPORE).postgres.cut({ direction: "both" });
    for (const ask of [leaderHealth, replicaHealth]) {
      const startedMs = performance.now();
      expect(await read(await ask(get(`/?region=${SINGAPORE}`)), 503)).toMatchObject({
        reason: "unreachable",
      });
      expect(performance.now() - startedMs).toBeLessThan(1_500);
    }
  });
});
