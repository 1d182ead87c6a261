import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TEST_TIMEOUT_MS } from "@/__tests__/e2e/support/steps";
import { everyoneLeaves, Visitor } from "@/__tests__/e2e/support/visitor";
import { theWorld } from "@/__tests__/e2e/support/world";
import { projectRoot } from "@/scripts/local/paths";

/** Who gets in, of everybody: `somebody` is signed in, `admin` is an administrator. */
type Audience = "anybody" | "somebody" | "admin";

/** Not for people, whoever they are: for who shows a secret. */
type Scheduler = "scheduler";

/** Every page and handler of the build. One that is built and not listed here fails the test. */
const DOORS: Record<string, Audience | Scheduler> = {
  "/": "anybody",
  "/_not-found": "anybody",
  "/sign-in": "anybody",
  "/sign-up": "anybody",
  "/leaderboard": "anybody",
  "/content": "anybody",
  "/content/[slug]": "anybody",
  "/account": "somebody",
  "/conflicts/[id]": "somebody",
  "/content/manage": "somebody",
  "/content/manage/[slug]": "somebody",
  "/content/manage/[slug]/versions": "somebody",
  "/content/manage/new": "somebody",
  "/documents": "somebody",
  "/documents/[id]": "somebody",
  "/documents/[id]/versions": "somebody",
  "/documents/new": "somebody",
  "/inventory": "somebody",
  "/orders": "somebody",
  "/residency": "somebody",
  "/admin": "admin",
  "/admin/audit": "admin",
  "/admin/conflicts": "admin",
  "/admin/conflicts/[id]": "admin",
  "/admin/dead-letters": "admin",
  "/admin/dead-letters/row": "admin",
  "/admin/lab": "admin",
  "/admin/ledger": "admin",
  "/api/content": "anybody",
  "/api/content/[slug]": "anybody",
  "/api/health/leader": "anybody",
  "/api/health/live": "anybody",
  "/api/health/ready": "anybody",
  "/api/health/replica": "anybody",
  "/api/leaderboard": "anybody",
  "/api/regions/failovers": "anybody",
  "/api/regions/leadership": "anybody",
  "/api/regions/status": "anybody",
  "/api/conflicts": "somebody",
  "/api/conflicts/[id]": "somebody",
  "/api/conflicts/[id]/resolve": "somebody",
  "/api/documents/[id]/text": "somebody",
  "/api/documents/[id]/title": "somebody",
  "/api/inventory": "somebody",
  "/api/leaderboard/rank": "somebody",
  "/api/leaderboard/rounds": "somebody",
  "/api/leaderboard/scores": "somebody",
  "/api/orders": "somebody",
  "/api/lab/faults": "admin",
  "/api/lab/leave": "admin",
  "/api/lab/load": "admin",
  "/api/lab/reset": "admin",
  "/api/lab/state": "admin",
  "/api/lab/story": "admin",
  "/api/metrics": "admin",
  "/api/cron/tick": "scheduler",
  "/api/regions/alarms": "admin",
  "/api/regions/check": "admin",
  "/api/regions/events": "admin",
  "/api/regions/failover": "admin",
  "/api/regions/failover/preview": "admin",
  "/api/regions/metrics": "admin",
  "/api/regions/pause": "admin",
  "/api/regions/stranded": "admin",
};

/** They take no input, so whatever is sent is a request like any other. */
const WITHOUT_INPUT = [
  "/api/lab/leave",
  "/api/lab/reset",
  "/api/leaderboard/rounds",
  "/api/regions/check",
];

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const CHANGING = METHODS.slice(1);

const HUGE = "x".repeat(700_000);

/** What a browser or a program says that sends for another site, or does not say. */
const FOREIGN: Record<string, string | null>[] = [
  { origin: "https://example.org", "sec-fetch-site": "cross-site" },
  { origin: "https://example.org" },
  { origin: "null", "sec-fetch-site": "same-site" },
  { origin: null, "sec-fetch-site": null },
];

/** What only a proxy or the platform may say, said by somebody else. */
const FORGED: Record<string, string>[] = [
  {
    "x-forwarded-for": "127.0.0.1, ::1, unknown, 999.999.999.999",
    "x-real-ip": "127.0.0.1",
    "x-forwarded-proto": "javascript",
    "x-forwarded-port": "-1",
    forwarded: 'for="_gazonk";proto=ftp;host=127.0.0.1',
  },
  {
    "x-vercel-ip-latitude": "1e999",
    "x-vercel-ip-longitude": "NaN",
    "x-vercel-ip-country": "'; --",
    "x-vercel-ip-city": "%00%ff",
    "x-vercel-id": "sin1::".repeat(200),
  },
  {
    "x-middleware-subrequest": Array.from({ length: 5 }, () => "middleware").join(":"),
    "x-middleware-next": "1",
    "x-nextjs-data": "1",
    traceparent: "00-zz-zz-zz",
  },
];

/** Bodies that no page sends. */
const BODIES = [
  "",
  "null",
  "[]",
  "{}",
  "{",
  '{"__proto__":{"role":"admin"},"constructor":{"prototype":{"role":"admin"}}}',
  '{"id":{"$ne":null},"regionId":["us-east-1"],"key":{"toString":1},"update":7,"title":{}}',
  '{"title":"\\u0000\\ud800\\u202e","key":"\\u0000","regionId":"\\u0000","update":"\\u0000"}',
  `{"key":"${HUGE}","update":"${HUGE}","title":"${HUGE}"}`,
  "[".repeat(20_000),
];

/** Arguments of an action that no page sends. */
const ARGUMENTS = [
  "[]",
  "[null,null,null]",
  '[{"__proto__":{"role":"admin"}},{"constructor":{"prototype":{}}},{}]',
  '[["a",["b",["c"]]],{"a":{"b":{}}},7]',
  "[-1,1e308,true]",
  '["\\u0000\\ud800\\u202e","\\u0000","\\u0000"]',
  // Beyond 1 MB Next.js ends the connection.
  `["${HUGE}","${HUGE.slice(0, 200_000)}"]`,
];

/** Segments that are no id. */
const SEGMENTS = ["unknown", "%00", "%F0%9F%92%A5", "..%2F..%2Fetc", `'${"x".repeat(300)}`];

/** What the lab takes for the name of a page that watches it, and lists for that of a page of theirs. */
const WATCHER = "-1";

function readManifest(name: string): unknown {
  return JSON.parse(readFileSync(path.join(projectRoot, ".next/server", name), "utf8"));
}

/** `/(session)/sign-in/page`: `/sign-in`. */
const addressOf = (file: string) =>
  file.replace(/\/(page|route)$/, "").replaceAll(/\/\([^)]*\)/g, "") || "/";

const builtDoors = () =>
  Object.keys(readManifest("app-paths-manifest.json") as Record<string, string>).map(addressOf);

interface BuiltAction {
  id: string;
  /** A page that has it. */
  page: string;
}

function builtActions(): BuiltAction[] {
  const { node } = readManifest("server-reference-manifest.json") as {
    node: Record<string, { workers: Record<string, unknown> }>;
  };
  return Object.entries(node).map(([id, { workers }]) => {
    const pages = Object.keys(workers).map((file) => addressOf(file.replace(/^app/, "")));
    const page = pages.find((one) => !one.includes("[") && one !== "/_not-found") ?? pages[0];
    return { id, page: fill(page ?? "/", "unknown") };
  });
}

const fill = (door: string, segment: string) => door.replaceAll(/\[[a-z]+\]/g, segment);
const isHandler = (door: string) => door.startsWith("/api/");

export function doorsSuite(): void {
  describe("every door of the build", { timeout: TEST_TIMEOUT_MS }, () => {
    /** By audience, the cookies of one who is just that. */
    const cookies: Record<Audience, string> = { anybody: "", somebody: "", admin: "" };

    beforeAll(async () => {
      for (const [audience, email] of [
        ["somebody", "writer@example.com"],
        ["admin", "admin@example.com"],
      ] as const) {
        const visitor = await Visitor.arrive();
        await visitor.signIn(email);
        const jar = await visitor.context.cookies();
        cookies[audience] = jar.map(({ name, value }) => `${name}=${value}`).join("; ");
      }
    });
    afterAll(async () => {
      // Whoever asks for the lab's state watches it. Unless they leave, it mends half a minute later whatever is
      // broken then, of other suites too.
      const left = await knock(
        "/api/lab/leave",
        "POST",
        "admin",
        JSON.stringify({ page: WATCHER }),
      );
      await everyoneLeaves();
      expect(left.status).toBe(200);
    });

    /** As a browser would send it from a page of this site, unless `headers` say otherwise; null leaves one out. */
    async function knock(
      address: string,
      method: string,
      who: Audience,
      body?: string,
      headers: Record<string, string | null> = {},
    ): Promise<Response> {
      const { web } = theWorld();
      const sent = {
        cookie: cookies[who],
        origin: web,
        "sec-fetch-site": "same-origin",
        "content-type": "application/json",
        ...headers,
      };
      const response = await fetch(web + address, {
        method,
        redirect: "manual",
        headers: Object.entries(sent).filter(
          (header): header is [string, string] => header[1] !== null,
        ),
        ...(method === "GET" ? {} : { body: body ?? "{}" }),
      });
      // To its end: a page goes on being made when its status has come, and so many at once are refused as a crowd.
      await response.arrayBuffer();
      return response;
    }

    async function writesNothing(act: () => Promise<void>): Promise<void> {
      const { databases } = theWorld();
      const before = await databases.settled();
      await act();
      expect(await databases.settled(), "what the databases hold").toBe(before);
    }

    /** The status that somebody who may not gets, of any method that the door knows. */
    async function refusalsOf(door: string, who: Audience): Promise<[string, number][]> {
      const methods = isHandler(door) ? METHODS : (["GET"] as const);
      const refusals: [string, number][] = [];
      for (const method of methods) {
        const { status } = await knock(fill(door, "unknown"), method, who);
        if (status !== 405) refusals.push([`${method} ${door}`, status]);
      }
      return refusals;
    }

    it("is listed with who may pass it", () => {
      expect([...new Set(builtDoors())].sort()).toEqual(Object.keys(DOORS).sort());
    });

    it("is closed to strangers and to the wrong role", async () => {
      for (const [door, audience] of Object.entries(DOORS)) {
        if (audience === "anybody") continue;
        const strangers = await refusalsOf(door, "anybody");
        // A page sends a stranger to the sign-in, a page for administrators shows it.
        const expected = isHandler(door) || audience === "admin" ? 401 : 307;
        expect(strangers.length, door).toBeGreaterThan(0);
        expect(strangers).toEqual(strangers.map(([what]) => [what, expected]));
        if (audience === "scheduler") {
          for (const who of ["somebody", "admin"] as const) {
            const refusals = await refusalsOf(door, who);
            expect(refusals).toEqual(refusals.map(([what]) => [what, 401]));
          }
        }
        if (audience !== "admin") continue;
        const people = await refusalsOf(door, "somebody");
        expect(people).toEqual(people.map(([what]) => [what, 403]));
      }
    });

    it("opens to nobody by a header that a proxy or the platform would set", async () => {
      for (const [door, audience] of Object.entries(DOORS)) {
        if (audience === "anybody") continue;
        const expected = isHandler(door) || audience === "admin" ? 401 : 307;
        for (const forged of FORGED) {
          const { status } = await knock(
            fill(door, "unknown"),
            "GET",
            "anybody",
            undefined,
            forged,
          );
          expect([expected, 405], `GET ${door}`).toContain(status);
        }
      }
    });

    it("does not take a change from another site", async () => {
      await writesNothing(async () => {
        for (const door of Object.keys(DOORS).filter(isHandler)) {
          for (const method of CHANGING) {
            for (const headers of FOREIGN) {
              const address = fill(door, "unknown");
              const { status } = await knock(address, method, "admin", "{}", headers);
              expect([403, 405], `${method} ${door}`).toContain(status);
            }
          }
        }
      });
    });

    it("answers nonsense with a refusal, and writes nothing", async () => {
      const failed: string[] = [];
      await writesNothing(async () => {
        for (const door of Object.keys(DOORS)) {
          const segments = door.includes("[") ? SEGMENTS : ["none"];
          for (const segment of segments) {
            const address = `${fill(door, segment)}?q=%00&page=${WATCHER}&from=${"a".repeat(500)}&window=x`;
            const { status } = await knock(address, "GET", "admin");
            // A region that lags is told of by 503, and that is an answer.
            if (status >= 500 && status !== 503) failed.push(`GET ${address}: ${status}`);
          }
        }
        for (const door of Object.keys(DOORS)) {
          for (const [n, forged] of FORGED.entries()) {
            // Whoever watches the lab under another name does not leave at the end.
            const address = `${fill(door, "unknown")}?page=${WATCHER}`;
            const { status } = await knock(address, "GET", "admin", undefined, forged);
            if (status >= 500 && status !== 503) failed.push(`GET ${address} ${n}: ${status}`);
          }
        }
        for (const door of Object.keys(DOORS).filter(isHandler)) {
          if (WITHOUT_INPUT.includes(door)) continue;
          for (const method of CHANGING) {
            if ((await knock(fill(door, "unknown"), method, "anybody")).status === 405) continue;
            for (const body of BODIES) {
              const { status } = await knock(fill(door, "unknown"), method, "admin", body);
              if (status < 400 || (status >= 500 && status !== 503)) {
                failed.push(`${method} ${door} ${body.slice(0, 60)}: ${status}`);
              }
            }
          }
        }
      });
      expect(failed).toEqual([]);
    });

    it("lets nobody write by calling an action with nonsense", async () => {
      const { web } = theWorld();
      const actions = builtActions();
      expect(actions.length).toBeGreaterThan(20);
      const failed: string[] = [];
      const call = async ({ id, page }: BuiltAction, who: Audience, body: string, origin = web) => {
        const { status } = await knock(page, "POST", who, body, {
          origin,
          "next-action": id,
          accept: "text/x-component",
          "content-type": "text/plain;charset=UTF-8",
        });
        return status;
      };
      await writesNothing(async () => {
        for (const action of actions) {
          for (const body of ARGUMENTS) {
            for (const who of ["anybody", "admin"] as const) {
              const status = await call(action, who, body);
              if (status >= 500) {
                failed.push(
                  `${action.id} of ${action.page} ${who} ${body.slice(0, 60)}: ${status}`,
                );
              }
            }
          }
          const foreign = await call(action, "admin", "[]", "https://example.org");
          expect(foreign, "an action called by another site").toBeGreaterThanOrEqual(400);
        }
      });
      expect(failed).toEqual([]);
    });

    it("shows pages whose scripts run by the nonce of their answer alone", async () => {
      const visitor = await Visitor.arrive();
      const { page } = visitor;
      const nonces = new Set<string>();
      for (const address of ["/", "/sign-in", "/leaderboard", "/nothing-here"]) {
        const response = await page.goto(address);
        const policy = response?.headers()["content-security-policy"] ?? "";
        const nonce = /script-src 'self' 'nonce-([^']+)' 'strict-dynamic';/.exec(policy)?.[1] ?? "";
        expect(nonce, address).toMatch(/^[A-Za-z0-9+/=]{24}$/);
        nonces.add(nonce);
        const used = await page
          .locator("script")
          .evaluateAll((nodes) => nodes.map((node) => (node as HTMLScriptElement).nonce));
        expect(new Set(used), address).toEqual(new Set([nonce]));
      }
      expect(nonces.size).toBe(4);
      const ran = await page.evaluate(() => {
        document.body.insertAdjacentHTML("beforeend", `<img src="/x" onerror="window.owned=1">`);
        const script = document.createElement("div");
        script.innerHTML = "<a href='javascript:window.owned=1'>x</a>";
        document.body.append(script);
        script.querySelector("a")?.click();
        return new Promise((resolve) => setTimeout(() => resolve("owned" in window), 300));
      });
      expect(ran).toBe(false);
      visitor.complaints.length = 0;
      await visitor.leave();
    });
  });
}
