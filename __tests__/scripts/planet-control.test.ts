import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import type { PlanetState } from "@/lib/lab/planet-state";
import { PlanetControl } from "@/scripts/local/planet-control";
import { UnknownClockError } from "@/scripts/local/planet-clocks";
import { PlanetLinks } from "@/scripts/local/planet-links";

const TOKEN = "a-token-of-at-least-32-characters!";
const [VIRGINIA, DUBLIN] = ["us-east-1", "eu-west-1"];

describe("the planet's control", () => {
  let backend: Server;
  let links: PlanetLinks;
  let control: PlanetControl;
  let url: string;
  let started: number;
  let clocks: Map<string, number>;

  beforeEach(async () => {
    backend = createServer(() => undefined);
    await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
    const { port } = backend.address() as AddressInfo;
    links = new PlanetLinks(DEFAULT_REGIONS, {
      latency: true,
      firstPort: 0,
      takenPorts: new Set(),
    });
    await links.start({ postgresPort: () => port, redisPort: null });
    started = 0;
    clocks = new Map([[VIRGINIA!, 0]]);
    control = new PlanetControl({
      port: 0,
      token: TOKEN,
      links,
      processes: {
        running: () => [],
        states: () => [{ name: "redis", state: "held" }],
        act: () => true,
        startAll: () => started++,
      },
      clocks: {
        set: async (region, aheadMs) => {
          if (!clocks.has(region)) throw new UnknownClockError(region);
          clocks.set(region, aheadMs);
        },
        setAllRight: async () => clocks.forEach((_, region) => clocks.set(region, 0)),
        states: () => [...clocks].map(([region, aheadMs]) => ({ region, aheadMs })),
      },
    });
    url = await control.start();
  });

  afterEach(async () => {
    await control.stop();
    await links.stop();
    await new Promise((resolve) => backend.close(resolve));
  });

  const ask = (method: string, path: string, body?: unknown, token = TOKEN) =>
    fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      body: body === undefined ? undefined : JSON.stringify(body),
    });

  it("answers nobody without the token", async () => {
    for (const [method, path] of [
      ["GET", "/state"],
      ["POST", "/reset"],
      ["POST", "/processes/redis"],
    ] as const) {
      expect((await ask(method, path, undefined, "another")).status).toBe(401);
    }
    expect(started).toBe(0);
  });

  it("sets clocks, those that can be set, and sets them right with all the rest", async () => {
    const state = async () => (await (await ask("GET", "/state")).json()) as PlanetState;
    await ask("POST", `/clocks/${VIRGINIA}`, { aheadMs: -5_000 });
    expect((await state()).clocks).toEqual([{ region: VIRGINIA, aheadMs: -5_000 }]);
    expect((await ask("POST", `/clocks/${DUBLIN}`, { aheadMs: 1 })).status).toBe(404);
    expect((await ask("POST", `/clocks/${VIRGINIA}`, { aheadMs: "1 s" })).status).toBe(400);
    await ask("POST", "/reset");
    expect((await state()).clocks).toEqual([{ region: VIRGINIA, aheadMs: 0 }]);
  });

  it("heals every link and starts every process by one call", async () => {
    await ask("POST", `/links/${VIRGINIA}/${DUBLIN}`, { cut: "to-target" });
    await ask("POST", `/links/${DUBLIN}/${VIRGINIA}`, { delayMs: 900 });
    const between = (state: PlanetState, from: string, to: string) =>
      state.links.find((link) => link.from === from && link.to === to);
    const broken = (await (await ask("GET", "/state")).json()) as PlanetState;
    expect(broken.links).toHaveLength(6);
    expect(broken.processes).toEqual([{ name: "redis", state: "held" }]);
    expect(between(broken, VIRGINIA!, DUBLIN!)?.state).toEqual({
      kind: "cut",
      direction: "to-target",
    });
    expect(between(broken, DUBLIN!, VIRGINIA!)).toMatchObject({ delayMs: 900, usualDelayMs: 38 });
    const healed = (await (await ask("POST", "/reset")).json()) as PlanetState;
    expect(started).toBe(1);
    for (const { state, delayMs, usualDelayMs } of healed.links) {
      expect(state).toEqual({ kind: "open" });
      expect(delayMs).toBe(usualDelayMs);
    }
  });
});
