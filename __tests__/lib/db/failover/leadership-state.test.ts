import { describe, expect, test } from "vitest";
import { overview } from "@/__tests__/support/overviews";
import { AP, EU, IDS, US } from "@/__tests__/support/routing-world";
import { decideLeadership, type LeadershipFacts } from "@/lib/db/failover/leadership-state";

type Change = Partial<LeadershipFacts["regions"][number]>;

/** us-east-1 leads epoch 3, and everybody has said so 200 ms ago, unless said otherwise. */
function decide(changes: Record<string, Change> = {}, automatic = true, onDemand = false) {
  return decideLeadership({
    leader: US,
    epoch: 3,
    automatic,
    onDemand,
    regions: IDS.map((id) => ({
      id,
      overview: overview({ region: id, epoch: 3, leading: id === US ? 3 : null }),
      ageMs: 200,
      down: false,
      ...changes[id],
    })),
  });
}

const unled = { overview: overview({ region: US, epoch: 3 }) };
const paused = { overview: overview({ region: EU, epoch: 3, paused: true }) };
const gone: Change = { ageMs: 5_000, down: true };

describe("leadership", () => {
  test("is led while the leader says so, whoever else is gone", () => {
    const led = { kind: "led", leader: US, epoch: 3 };
    expect(decide()).toEqual(led);
    expect(decide({ [EU]: gone, [AP]: gone })).toEqual(led);
  });

  test("is led as a replica knows the lease", () => {
    const replica = { ...overview({ region: US, epoch: 3 }), leaseMs: 700 };
    expect(decide({ [US]: { overview: replica } })).toMatchObject({ kind: "led" });
  });

  test("changes while a majority answers and the leader has no lease, or is gone", () => {
    expect(decide({ [US]: unled })).toEqual({ kind: "changing" });
    expect(decide({ [US]: gone })).toEqual({ kind: "changing" });
    expect(decide({ [US]: unled, [EU]: gone })).toEqual({ kind: "changing" });
  });

  test("is nobody's, with the reason", () => {
    const readOnly = (reason: string) => ({ kind: "read-only", reason });
    expect(decide({ [US]: gone, [EU]: gone })).toEqual(readOnly("no-majority"));
    expect(decide({ [US]: unled, [EU]: gone, [AP]: gone })).toEqual(readOnly("no-majority"));
    expect(decide({ [US]: gone, [EU]: paused })).toEqual(readOnly("paused"));
    expect(decide({ [US]: gone }, false)).toEqual(readOnly("manual"));
    expect(decide({ [US]: { ...gone, ageMs: 11_000 } })).toEqual(readOnly("unreachable"));
  });

  test("is led where no workers keep a lease, while the next write would get one", () => {
    const onDemand = (changes: Record<string, Change>, automatic = true) =>
      decide(changes, automatic, true);
    const led = { kind: "led", leader: US, epoch: 3 };
    expect(onDemand({ [US]: unled })).toEqual(led);
    expect(onDemand({ [US]: unled, [EU]: paused })).toEqual(led);
    expect(onDemand({ [US]: gone })).toEqual(led);
    expect(onDemand({ [US]: gone, [EU]: paused })).toMatchObject({ reason: "paused" });
    expect(onDemand({ [US]: gone }, false)).toMatchObject({ reason: "manual" });
    expect(onDemand({ [US]: unled, [EU]: gone, [AP]: gone })).toMatchObject({
      reason: "no-majority",
    });
  });

  test("is unknown until the leader has been heard, or has failed to answer", () => {
    const never: Change = { overview: null, ageMs: Infinity };
    expect(decide({ [US]: never })).toEqual({ kind: "unknown" });
    expect(decide({ [US]: never, [EU]: never, [AP]: never })).toEqual({ kind: "unknown" });
    expect(decide({ [US]: gone, [EU]: never })).toEqual({ kind: "unknown" });
    // Nobody has asked for a while: what was heard then says nothing of now.
    const aged: Change = { ageMs: 60_000 };
    expect(decide({ [US]: aged, [EU]: aged, [AP]: aged })).toEqual({ kind: "unknown" });
  });
});
