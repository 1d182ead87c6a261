import { describe, expect, it } from "vitest";
import { promote } from "@/lib/db/failover/promotion";
import type {
  ControlSample,
  HoldOutcome,
  LeaseRequest,
  RegionControl,
} from "@/lib/db/failover/region-control";
import { DEFAULT_FAILOVER_SETTINGS } from "@/lib/db/failover/settings";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Position } from "@/lib/db/sessions/positions";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const REGIONS = [US, EU];

/** Two regions that agree to everything; what the new leader answers to a lease comes from `outcomes`. */
function handOver(outcomes: readonly HoldOutcome[]) {
  const asked: LeaseRequest[] = [];
  let grants = 0;
  let clock = 0;
  const control = (region: RegionId): RegionControl => {
    const sample = async (): Promise<ControlSample> =>
      ({
        region,
        actor: region as string as Actor,
        boot: "boot",
        epoch: 1n,
        leaseEpoch: 1n,
        leader: US,
        cursors: new Map([[US as string as Actor, 5n as Position]]),
        lastEvent: 5n as Position,
        now: String(++clock),
      }) as unknown as ControlSample;
    return {
      region,
      sample,
      probe: sample,
      grant: async () => {
        grants += 1;
        return "granted";
      },
      promise: async () => ({ outcome: "promised", epoch: 1n, leader: US, rows: [] }),
      hold: async (request) => {
        asked.push(request);
        return outcomes[asked.length - 1] ?? "held";
      },
      release: async () => [],
      rowsBeyond: async () => [],
      merge: async () => undefined,
      suspect: async () => undefined,
    };
  };
  const result = promote(
    {
      attempt: "a",
      kind: "switchover",
      to: EU,
      from: US,
      fromActor: US as string as Actor,
      epoch: 2n,
      regions: REGIONS,
      expected: null,
    },
    {
      controls: new Map(REGIONS.map((region) => [region, control(region)])),
      settings: DEFAULT_FAILOVER_SETTINGS,
      nowMs: () => performance.now(),
      sleep: async () => undefined,
    },
  );
  return { result, asked, grants: () => grants };
}

describe("a hand-over whose lease was over before it was held", () => {
  it("asks for another one, granted anew, from a later time", async () => {
    const { result, asked, grants } = handOver(["late", "held"]);
    expect(await result).toMatchObject({ kind: "completed", epoch: 2n });
    expect(asked).toHaveLength(2);
    expect(Number(asked[1]?.start)).toBeGreaterThan(Number(asked[0]?.start));
    expect(asked.map(({ epoch, begin }) => [epoch, begin])).toEqual([
      [2n, true],
      [2n, true],
    ]);
    expect(grants()).toBe(2 * REGIONS.length);
  });

  it("gives up in the end", async () => {
    const { result, asked } = handOver(["late", "late", "late", "late"]);
    expect(await result).toMatchObject({ kind: "failed", failure: "no-lease" });
    expect(asked).toHaveLength(3);
  });

  it("is not asked for again where it was refused for another reason", async () => {
    const { result, asked } = handOver(["superseded"]);
    expect(await result).toMatchObject({ kind: "failed", failure: "no-lease" });
    expect(asked).toHaveLength(1);
  });
});
