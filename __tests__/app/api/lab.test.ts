import { sealData } from "iron-session";
import { NextRequest } from "next/server";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { SESSION_COOKIE, type Role } from "@/lib/auth/session-options";

/** The cookies of the request under test: the framework's edge, which no request reaches here. */
const jar = vi.hoisted(() => new Map<string, string>());
vi.mock("next/headers", () => ({
  cookies: async () => ({
    get: (name: string) => (jar.has(name) ? { name, value: jar.get(name) } : undefined),
    set: () => undefined,
  }),
  headers: async () => new Headers(),
}));

const SECRET = "s".repeat(32);
const OWN = { host: "meridian.test", origin: "http://meridian.test" };
const FOREIGN = { host: "meridian.test", origin: "http://elsewhere.test" };

/** The first import compiles all that the routes are made of; later ones only run it. */
beforeAll(async () => {
  await Promise.all([import("@/app/api/lab/story/route"), import("@/middleware")]);
}, 120_000);
beforeEach(() => {
  vi.resetModules();
  vi.stubEnv("AUTH_SECRET", SECRET);
  for (const { envKey } of DEFAULT_REGIONS) {
    vi.stubEnv(`DB_${envKey}_READ`, "postgresql://nobody@127.0.0.1:1/none");
    vi.stubEnv(`DB_${envKey}_WRITE`, "postgresql://nobody@127.0.0.1:1/none");
  }
});
afterEach(() => {
  delete (globalThis as { meridianLab?: unknown }).meridianLab;
  jar.clear();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function onPlanet(): void {
  vi.stubEnv("MERIDIAN_LOCAL_PLANET", "1");
  vi.stubEnv("MERIDIAN_CONTROL", "http://127.0.0.1:1");
  vi.stubEnv("MERIDIAN_CONTROL_TOKEN", "t".repeat(40));
}

async function signIn(role: Role): Promise<void> {
  const user = { userId: `the-${role}`, email: `${role}@example.com`, name: role, role };
  const session = { ...user, sessionId: "s", revocationEpoch: 0 };
  jar.set(SESSION_COOKIE, await sealData(session, { password: SECRET }));
}

const BODIES = {
  faults: { kind: "redis", action: "kill" },
  load: { on: true },
  story: { action: "start", story: "both-sides" },
  reset: {},
  leave: { page: "p" },
} as const;
type Name = keyof typeof BODIES | "state";
const NAMES = ["state", ...Object.keys(BODIES)] as Name[];

/** Imported anew each time: a process reads its environment once. */
async function ask(name: Name, headers: Record<string, string> = OWN, body?: unknown) {
  const url = `http://meridian.test/api/lab/${name}`;
  if (name === "state") {
    const { GET } = await import("@/app/api/lab/state/route");
    return GET(new Request(url));
  }
  const routes = {
    faults: () => import("@/app/api/lab/faults/route"),
    load: () => import("@/app/api/lab/load/route"),
    story: () => import("@/app/api/lab/story/route"),
    reset: () => import("@/app/api/lab/reset/route"),
    leave: () => import("@/app/api/lab/leave/route"),
  };
  const { POST } = await routes[name]();
  const sent = JSON.stringify(body ?? BODIES[name]);
  return POST(new Request(url, { method: "POST", headers, body: sent }));
}

/** What the lab is asked for, instead of doing it. */
async function spyOnLab() {
  const { Lab } = await import("@/lib/lab/lab");
  return {
    fault: vi.spyOn(Lab.prototype, "fault").mockResolvedValue(),
    load: vi.spyOn(Lab.prototype, "setLoad").mockReturnValue(),
    story: vi.spyOn(Lab.prototype, "startStory").mockReturnValue(true),
    reset: vi.spyOn(Lab.prototype, "reset").mockResolvedValue(),
    leave: vi.spyOn(Lab.prototype, "leave").mockResolvedValue(),
    state: vi.spyOn(Lab.prototype, "state").mockRejectedValue(new Error("asked")),
  };
}

describe.each(NAMES)("/api/lab/%s", (name) => {
  it.each([
    ["nowhere", {}],
    [
      "on Vercel",
      {
        VERCEL: "1",
        MERIDIAN_LOCAL_PLANET: "1",
        MERIDIAN_CONTROL: "http://127.0.0.1:1",
        MERIDIAN_CONTROL_TOKEN: "t".repeat(40),
      },
    ],
    ["on a local planet without a control", { MERIDIAN_LOCAL_PLANET: "1" }],
    [
      "with a control but no planet",
      { MERIDIAN_CONTROL: "http://127.0.0.1:1", MERIDIAN_CONTROL_TOKEN: "t".repeat(40) },
    ],
  ])("is not there for anybody %s", async (_where, env) => {
    for (const [key, value] of Object.entries(env)) vi.stubEnv(key, value);
    expect((await ask(name)).status).toBe(404);
    await signIn("user");
    expect((await ask(name)).status).toBe(404);
    await signIn("admin");
    const answer = await ask(name);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("is for administrators alone on a local planet", async () => {
    onPlanet();
    const spies = await spyOnLab();
    expect((await ask(name)).status).toBe(401);
    await signIn("user");
    expect((await ask(name)).status).toBe(403);
    for (const spy of Object.values(spies)) expect(spy).not.toHaveBeenCalled();
  });
});

describe.each(Object.keys(BODIES) as (keyof typeof BODIES)[])("POST /api/lab/%s", (name) => {
  it("is not believed from another site, or without a word of where it comes from", async () => {
    onPlanet();
    await signIn("admin");
    const spies = await spyOnLab();
    for (const headers of [FOREIGN, { host: "meridian.test" }]) {
      expect((await ask(name, headers as Record<string, string>)).status).toBe(403);
    }
    for (const spy of Object.values(spies)) expect(spy).not.toHaveBeenCalled();
  });

  it("does what an administrator asks for", async () => {
    onPlanet();
    await signIn("admin");
    const spies = await spyOnLab();
    expect((await ask(name)).status).toBe(200);
    const called = Object.entries(spies).filter(([, spy]) => spy.mock.calls.length > 0);
    expect(called.map(([method]) => method)).toEqual([name === "faults" ? "fault" : name]);
  });
});

/** A reset has no body. */
const WITH_BODY = (Object.keys(BODIES) as (keyof typeof BODIES)[]).filter(
  (name) => name !== "reset",
);

describe.each(WITH_BODY)("POST /api/lab/%s", (name) => {
  it("refuses a body that it does not know", async () => {
    onPlanet();
    await signIn("admin");
    const spies = await spyOnLab();
    for (const body of [
      {},
      { kind: "web", action: "kill" },
      { action: "start", story: "no" },
      [],
    ]) {
      expect((await ask(name, OWN, body)).status).toBe(400);
    }
    for (const spy of Object.values(spies)) expect(spy).not.toHaveBeenCalled();
  });
});

it("says that a story is running already", async () => {
  onPlanet();
  await signIn("admin");
  const { story } = await spyOnLab();
  story.mockReturnValue(false);
  expect((await ask("story")).status).toBe(409);
});

describe("on the way to the page, middleware", () => {
  const answer = async (path: string) => {
    const { middleware } = await import("@/middleware");
    return middleware(new NextRequest(`http://meridian.test${path}`));
  };

  it("sends nobody elsewhere: pages for administrators answer with a status of their own", async () => {
    for (const path of ["/admin", "/admin/lab", "/documentsx"]) {
      const { headers } = await answer(path);
      expect(headers.get("location"), path).toBeNull();
      expect(headers.get("content-security-policy"), path).toMatch(/'nonce-[^']{24}'/);
    }
    for (const path of ["/documents", "/content/manage/new"]) {
      const { headers } = await answer(path);
      expect(headers.get("location")).toBe(
        `http://meridian.test/sign-in?next=${encodeURIComponent(path)}`,
      );
    }
  });
});
