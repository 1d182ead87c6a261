import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MAX_WAIT_MS } from "@/lib/db/sessions/route-read";
import { positions } from "@/__tests__/support/overviews";
import { AP, EU, IDS, RoutingWorld, US } from "@/__tests__/support/routing-world";

let world: RoutingWorld;
beforeEach(() => {
  vi.useFakeTimers();
  world = new RoutingWorld();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("session", () => {
  const required = positions({ [US]: 500n });

  test("nothing is required: the nearest, and nobody is asked", async () => {
    expect(await world.route()).toMatchObject({
      region: EU,
      reason: "nearest",
      stale: false,
      ms: 0,
    });
    expect(world.queries).toEqual([]);
  });

  test("the nearest has it: one question, and none the next time", async () => {
    world.applied[EU] = { [US]: 500n };
    const route = { region: EU, reason: "nearest", stale: false };
    expect(await world.route({ required })).toMatchObject(route);
    expect(world.queries).toEqual([EU]);
    expect(await world.route({ required })).toMatchObject({ ...route, ms: 0 });
    expect(world.queries).toEqual([EU]);
  });

  test("the nearest catches up before another could have answered: waited", async () => {
    world.applied[US] = { [US]: 999n };
    world.at(40, () => (world.applied[EU] = { [US]: 500n }));
    const route = await world.route({ required });
    expect(route).toMatchObject({ region: EU, reason: "waited", stale: false });
    expect(route.ms).toBeGreaterThanOrEqual(40);
    expect(route.ms).toBeLessThan(80);
    expect(world.queries).not.toContain(US);
  });

  test("the nearest stays behind: to the region that wrote it, in about two round trips", async () => {
    world.applied[US] = { [US]: 999n };
    const route = await world.route({ required });
    expect(route).toMatchObject({ region: US, reason: "redirected-behind", stale: false });
    expect(route.ms).toBeLessThan(300);
  });

  test("the same while the head of the region that wrote it is not known", async () => {
    world.heads = null;
    world.applied[US] = { [US]: 999n };
    const route = await world.route({ required });
    expect(route).toMatchObject({ region: US, reason: "redirected-behind", stale: false });
    expect(route.ms).toBeLessThan(300);
  });

  test("a connection to the region that wrote it takes long: there all the same, once it is open", async () => {
    world.openingMs[US] = 1_300;
    world.applied[US] = { [US]: 999n };
    const route = await world.route({ required });
    expect(route).toMatchObject({ region: US, reason: "redirected-behind", stale: false });
    expect(route.ms).toBeLessThan(1_600);
  });

  test("a connection that is expected to take long is waited for once, and an answer over it no longer than any", async () => {
    world.expectedMs = (region) => (region === US ? 100 : 0);
    world.openingMs[US] = 1_300;
    world.applied[US] = { [US]: 999n };
    const route = await world.route({ required });
    expect(route).toMatchObject({ region: US, reason: "redirected-behind", stale: false });
    // One question: it was not given up after a second, and asked again.
    expect(world.queries.filter((region) => region === US)).toHaveLength(1);
  });

  test("the origin is down: to a third region that has it", async () => {
    world.unreachable.add(US);
    world.unhealthy.add(US);
    world.applied[AP] = { [US]: 500n };
    const route = await world.route({ required });
    expect(route).toMatchObject({ region: AP, reason: "redirected-behind", stale: false });
    expect(route.ms).toBeLessThan(MAX_WAIT_MS);
  });

  test("read from a replica that is behind: its primary, without a wait", async () => {
    world.primaries[EU] = { [US]: 500n };
    world.applied[US] = { [US]: 999n };
    const route = await world.route({ required });
    expect(route).toMatchObject({ region: EU, reason: "primary", stale: false });
    expect(route.primary).toEqual(positions({ [US]: 500n }));
    expect(route.ms).toBeLessThan(20);
    // What the primary has is not taken for what the replica shows.
    expect(await world.route({ required })).toMatchObject({ reason: "primary" });
  });

  test("its primary gone, what only that has is not taken for forged", async () => {
    world.primaries[EU] = {};
    world.primaryFault = world.fault();
    const route = await world.route({ required: positions({ [EU]: 500n }) });
    expect(route).toMatchObject({ region: EU, reason: "stale-fallback", stale: true });
    expect(world.markedDown).toEqual([]);
  });

  test("its primary gone, another region has it", async () => {
    world.primaries[EU] = {};
    world.primaryFault = world.fault();
    world.applied[AP] = { [EU]: 500n };
    const route = await world.route({ required: positions({ [EU]: 500n }) });
    expect(route).toMatchObject({ region: AP, reason: "redirected-behind", stale: false });
  });

  test("two origins, neither of which has the other's: to the region that has both", async () => {
    world.applied[US] = { [US]: 999n };
    world.applied[AP] = { [US]: 500n, [AP]: 999n };
    const both = positions({ [US]: 500n, [AP]: 600n });
    const route = await world.route({ required: both });
    expect(route).toMatchObject({ region: AP, reason: "redirected-behind", stale: false });
    expect(route.ms).toBeLessThan(MAX_WAIT_MS);
  });

  test("nobody has all of it for a while: waits on, and serves once it is there", async () => {
    world.applied[US] = { [US]: 999n };
    world.applied[AP] = { [AP]: 999n };
    world.at(1_200, () => (world.applied[EU] = { [US]: 500n, [AP]: 600n }));
    const route = await world.route({ required: positions({ [US]: 500n, [AP]: 600n }) });
    expect(route).toMatchObject({ region: EU, reason: "waited", stale: false });
    expect(route.ms).toBeGreaterThanOrEqual(1_200);
    expect(route.ms).toBeLessThan(1_300);
  });

  test("nobody within reach has it: older data, and said to be older, after the longest wait", async () => {
    world.unreachable.add(US);
    world.unhealthy.add(US);
    const route = await world.route({ required });
    expect(route).toMatchObject({ region: EU, reason: "stale-fallback", stale: true });
    expect(route.ms).toBeGreaterThan(MAX_WAIT_MS * 0.9);
    expect(route.ms).toBeLessThan(MAX_WAIT_MS * 1.2);
  });

  test("the nearest is known to be down: the next one, without a question to the first", async () => {
    world.unhealthy.add(EU);
    expect(await world.route()).toMatchObject({
      region: US,
      reason: "redirected-down",
      stale: false,
    });
    world.applied[US] = { [US]: 500n };
    expect(await world.route({ required })).toMatchObject({
      region: US,
      reason: "redirected-down",
    });
    expect(world.queries).not.toContain(EU);
  });

  test("the nearest turns out to be down: marked so, and the next one serves", async () => {
    world.unreachable.add(EU);
    world.applied[US] = { [US]: 500n };
    expect(await world.route({ required })).toMatchObject({
      region: US,
      reason: "redirected-down",
      stale: false,
    });
    expect(world.markedDown).toEqual([EU]);
  });

  test("the nearest goes down while it is waited for: the next one serves", async () => {
    world.applied[US] = { [US]: 999n };
    world.at(20, () => world.unreachable.add(EU));
    expect(await world.route({ required })).toMatchObject({ region: US, stale: false });
    expect(world.markedDown).toContain(EU);
  });

  test("every region is down: not said to be fresh", async () => {
    for (const id of IDS) world.unreachable.add(id);
    expect(await world.route({ required })).toMatchObject({
      reason: "stale-fallback",
      stale: true,
    });
    expect(world.markedDown).toHaveLength(3);
  });

  test("every region is believed to be down: the nearest is tried all the same", async () => {
    for (const id of IDS) world.unhealthy.add(id);
    expect(await world.route()).toMatchObject({ region: EU, reason: "nearest" });
  });

  test("a fault that is not of the connection is thrown, and condemns nobody", async () => {
    world.unreachable.add(EU);
    world.fault = () => Object.assign(new Error("no such function"), { code: "42883" });
    await expect(world.route({ required })).rejects.toThrow("no such function");
    expect(world.markedDown).toEqual([]);
  });

  test("a single region waits for itself", async () => {
    world.at(700, () => (world.applied[EU] = { [US]: 500n }));
    const route = await world.route({ order: [EU], required });
    expect(route).toMatchObject({ region: EU, reason: "waited", stale: false });
  });

  test("no region at all is a mistake of the caller", async () => {
    await expect(world.route({ order: [] })).rejects.toThrow(RangeError);
  });
});

describe("a token that claims what nobody wrote", () => {
  test.each([
    ["a position past the head of its region", { [US]: 10n ** 17n }],
    ["a region that does not exist", { "sa-east-1": 1n }],
    ["an incarnation that does not exist", { [`${US}#9`]: 1n }],
    ["a position past the head of the nearest", { [EU]: 10n ** 17n }],
  ])("%s: to the leader, soon, and not said to be stale", async (_name, claimed) => {
    for (const id of IDS) world.applied[id] = { [US]: 999n, [EU]: 999n, [AP]: 999n };
    const route = await world.route({ required: positions(claimed) });
    expect(route).toMatchObject({ region: US, reason: "invalid-token", stale: false });
    expect(route.ms).toBeLessThan(300);
  });

  test("is told from a write that is so new that its head was not observed yet", async () => {
    world.applied[US] = { [US]: 1_500n };
    world.at(60, () => (world.applied[EU] = { [US]: 1_500n }));
    expect(await world.route({ required: positions({ [US]: 1_500n }) })).toMatchObject({
      region: EU,
      reason: "waited",
    });
  });

  test("does not take away what else the session wrote: the leader lacks that", async () => {
    for (const id of IDS) world.applied[id] = { [US]: 999n, [EU]: 999n, [AP]: 900n };
    world.applied[AP] = { [US]: 999n, [EU]: 999n, [AP]: 999n };
    const required = positions({ [`${EU}#3`]: 5n, [AP]: 950n });
    expect(await world.route({ required })).toMatchObject({ region: AP, stale: false });
    world.unreachable.add(AP);
    world.unhealthy.add(AP);
    expect(
      await world.route({ required: positions({ [`${EU}#3`]: 5n, [AP]: 1_200n }) }),
    ).toMatchObject({ stale: true });
  });

  test("is not concluded from what has taken the place of its origin, while another region may have it", async () => {
    const rebuilt = { [US]: 400n, [`${US}#1`]: 5n };
    for (const id of IDS) world.applied[id] = rebuilt;
    const required = positions({ [US]: 450n });
    world.applied[AP] = { ...rebuilt, [US]: 450n };
    expect(await world.route({ required })).toMatchObject({
      region: AP,
      reason: "redirected-behind",
    });
    world.applied[AP] = rebuilt;
    expect(await world.route({ required })).toMatchObject({
      region: US,
      reason: "invalid-token",
      stale: false,
    });
    world.unreachable.add(AP);
    world.unhealthy.add(AP);
    expect(await world.route({ required })).toMatchObject({ stale: true });
  });

  test("is noticed of a region that went back to an older copy after it was asked", async () => {
    for (const id of IDS) world.applied[id] = { [US]: 450n };
    await world.route({ required: positions({ [US]: 450n }) });
    world.applied[EU] = { [US]: 400n };
    // Until it is asked again what it once had is believed.
    await world.route({ required: positions({ [US]: 451n }) });
    expect(await world.route({ required: positions({ [US]: 450n }) })).toMatchObject({
      region: US,
    });
  });

  test("is not concluded from an origin that does not answer", async () => {
    world.unreachable.add(US);
    world.unhealthy.add(US);
    const route = await world.route({ required: positions({ [US]: 10n ** 17n }) });
    expect(route).toMatchObject({ region: EU, reason: "stale-fallback", stale: true });
  });
});

describe("a token that is not believed", () => {
  test("to the leader", async () => {
    expect(await world.route({ tokenInvalid: true })).toMatchObject({
      region: US,
      reason: "invalid-token",
      stale: false,
    });
    world.leader = EU;
    expect(await world.route({ tokenInvalid: true })).toMatchObject({
      region: EU,
      reason: "invalid-token",
    });
  });

  test("the leader failed this request: another region, said to be stale", async () => {
    expect(await world.route({ tokenInvalid: true, order: [EU, AP] })).toMatchObject({
      region: EU,
      reason: "stale-fallback",
      stale: true,
    });
  });

  test("does not matter to a level that asks nothing of the session", async () => {
    expect(await world.route({ tokenInvalid: true, level: "eventual" })).toMatchObject({
      region: EU,
      reason: "nearest",
    });
    // The leader of single-leader entities may be behind the others in all else.
    world.stalenessMs[US] = 60_000;
    expect(await world.route({ tokenInvalid: true, level: { boundedMs: 500 } })).toMatchObject({
      region: EU,
      stale: false,
    });
  });
});

describe("strong", () => {
  test("to the leader, whatever the session has seen and however far it is", async () => {
    const required = positions({ [AP]: 10n ** 17n });
    expect(await world.route({ level: "strong", required })).toMatchObject({
      region: US,
      reason: "redirected-leader",
      stale: false,
      ms: 0,
    });
  });

  test("the leader is the nearest", async () => {
    world.leader = EU;
    expect(await world.route({ level: "strong" })).toMatchObject({ region: EU, reason: "nearest" });
  });

  test("does not go elsewhere because the leader looks down", async () => {
    world.unhealthy.add(US);
    expect(await world.route({ level: "strong" })).toMatchObject({ region: US });
  });

  test("without the leader there is no strong answer", async () => {
    expect(await world.route({ level: "strong", order: [EU, AP] })).toMatchObject({
      reason: "stale-fallback",
      stale: true,
    });
  });
});

describe("eventual", () => {
  test("the nearest that is healthy, whatever the session has seen, without a question", async () => {
    const required = positions({ [US]: 10n ** 17n });
    expect(await world.route({ level: "eventual", required })).toMatchObject({
      region: EU,
      reason: "nearest",
      stale: false,
    });
    world.unhealthy.add(EU);
    expect(await world.route({ level: "eventual", required })).toMatchObject({
      region: US,
      reason: "redirected-down",
      stale: false,
    });
    expect(world.queries).toEqual([]);
  });
});

describe("bounded", () => {
  const level = { boundedMs: 500 };

  test("the nearest is fresh enough, to the millisecond", async () => {
    world.stalenessMs[EU] = 500;
    expect(await world.route({ level })).toMatchObject({
      region: EU,
      reason: "nearest",
      stale: false,
    });
    world.stalenessMs[EU] = 501;
    expect(await world.route({ level })).toMatchObject({ region: US, reason: "redirected-behind" });
  });

  test("a region of which nothing is known is not fresh", async () => {
    world.stalenessMs[EU] = null;
    expect(await world.route({ level })).toMatchObject({ region: US, reason: "redirected-behind" });
  });

  test("all are behind, the nearest catches up: waited", async () => {
    for (const id of IDS) world.stalenessMs[id] = 9_000;
    world.at(200, () => (world.stalenessMs[EU] = 20));
    expect(await world.route({ level })).toMatchObject({
      region: EU,
      reason: "waited",
      stale: false,
    });
  });

  test("all stay behind: the nearest, said to be stale, after no longer than the bound", async () => {
    for (const id of IDS) world.stalenessMs[id] = 9_000;
    const route = await world.route({ level });
    expect(route).toMatchObject({ region: EU, reason: "stale-fallback", stale: true });
    // A round of questions may be under way when the time is over.
    expect(route.ms).toBeGreaterThanOrEqual(500);
    expect(route.ms).toBeLessThan(500 + 300);
  });

  test("a bound of an hour does not make a reader wait for an hour", async () => {
    for (const id of IDS) world.stalenessMs[id] = null;
    const route = await world.route({ level: { boundedMs: 3_600_000 } });
    expect(route).toMatchObject({ stale: true });
    expect(route.ms).toBeLessThan(MAX_WAIT_MS + 300);
  });

  test("a bound of nothing is answered, too", async () => {
    for (const id of IDS) world.stalenessMs[id] = 1;
    expect(await world.route({ level: { boundedMs: 0 } })).toMatchObject({ stale: true });
  });

  test("a region that is down is passed over, and the receipt says why", async () => {
    world.unhealthy.add(EU);
    expect(await world.route({ level })).toMatchObject({ region: US, reason: "redirected-down" });
    expect(world.queries).not.toContain(EU);
  });

  test("a region that turns out to be down is passed over", async () => {
    world.unreachable.add(EU);
    expect(await world.route({ level })).toMatchObject({ region: US, stale: false });
  });
});
