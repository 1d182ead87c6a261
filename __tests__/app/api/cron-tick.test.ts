import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const SECRET = "a-cron-secret-of-32-characters-or-more";
const { env, tickRegions } = vi.hoisted(() => ({
  env: { cronSecret: null as string | null },
  tickRegions: vi.fn(),
}));

vi.mock("@/lib/env", () => ({ getEnv: () => env }));
vi.mock("@/lib/db/ticks/region-ticks", () => ({ tickRegions }));
vi.mock("@/lib/db/regions/runtime", () => ({ defaultRuntime: () => ({ topology: {} }) }));
vi.mock("@/lib/region-services", () => ({ regionServices: () => () => [] }));

const { GET } = await import("@/app/api/cron/tick/route");

function call(authorization?: string): Promise<Response> {
  const headers = authorization === undefined ? undefined : { authorization };
  return GET(new Request("http://localhost/api/cron/tick", { headers }));
}

beforeEach(() => {
  env.cronSecret = SECRET;
  tickRegions.mockResolvedValue([{ region: "us-east-1", error: null }]);
});
afterEach(() => vi.clearAllMocks());

describe("GET /api/cron/tick", () => {
  it.each([
    ["nothing", undefined],
    ["another secret", `Bearer ${SECRET.slice(1)}`],
    ["the secret in another scheme", `Basic ${SECRET}`],
    ["an empty secret", "Bearer "],
    ["what an unset secret looks like", "Bearer null"],
  ])("does nothing for who shows %s", async (_, authorization) => {
    expect((await call(authorization)).status).toBe(401);
    env.cronSecret = null;
    expect((await call(authorization)).status).toBe(401);
    expect(tickRegions).not.toHaveBeenCalled();
  });

  it("does nothing for anybody while there is no secret", async () => {
    env.cronSecret = null;
    expect((await call(`Bearer ${SECRET}`)).status).toBe(401);
    expect(tickRegions).not.toHaveBeenCalled();
  });

  it("runs the workers of all regions, and says which could not run", async () => {
    const answer = await call(`Bearer ${SECRET}`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ regions: [{ region: "us-east-1", error: null }] });
    tickRegions.mockResolvedValue([{ region: "us-east-1", error: "not migrated" }]);
    expect((await call(`Bearer ${SECRET}`)).status).toBe(500);
  });

  it("is one tick for all who ask while it is under way", async () => {
    const answers = await Promise.all([call(`Bearer ${SECRET}`), call(`Bearer ${SECRET}`)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(tickRegions).toHaveBeenCalledOnce();
  });
});
