import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDomain, type TestDomain } from "@/__tests__/lib/documents/domain";
import { Runtime } from "@/lib/db/regions/runtime";
import type { RegionId } from "@/lib/db/multi-region-config";
import { Presence } from "@/lib/documents/text/presence";
import { waitFor } from "@/__tests__/support/wait-for";

const [US, EU] = ["us-east-1", "eu-west-1"] as RegionId[] as [RegionId, RegionId];
const ada = { userId: "ada", name: "Ada", tab: "ada:1" };
const bo = { userId: "bo", name: "Bo", tab: "bo:1" };

describe("who is here", () => {
  let domain: TestDomain;
  beforeAll(async () => {
    domain = await startDomain();
  });
  afterAll(() => domain.close());

  it("is told to the others, in every region, until nothing is heard of them", async () => {
    let now = Date.now();
    const [one, other] = [0, 1].map(() => new Presence(undefined, () => now)) as [
      Presence,
      Presence,
    ];
    await one.meet(US, "d", ada);
    await one.meet(US, "d", { ...ada, tab: "ada:2" });
    await waitFor(
      async () => expect(await other.meet(EU, "d", bo)).toEqual([present(ada, US)]) ?? true,
      { what: "Ada to be seen" },
    );
    expect(await one.meet(US, "d", ada)).toEqual([present(bo, EU)]);
    expect(await one.meet(US, "another", ada)).toEqual([]);
    now += 11_000;
    expect(await one.meet(US, "d", ada)).toEqual([]);
  });

  it("is nobody without Redis", async () => {
    const { topology } = domain;
    const endpoints: typeof topology.endpoints = (from, to) => ({
      ...topology.endpoints(from, to),
      redis: null,
    });
    const runtime = new Runtime(() => ({ ...topology, endpoints }));
    const presence = new Presence(() => runtime);
    expect(await presence.meet(US, "d", ada)).toEqual([]);
    await runtime.close();
  });
});

function present({ userId, name }: typeof ada, regionId: RegionId) {
  return { userId, name, regionId };
}
