import { askRegions } from "@/lib/ask-regions";
import { REGIONS, type RegionId } from "@/lib/db/multi-region-config";
import { defaultRuntime } from "@/lib/db/regions/runtime";
import type { AlarmAnswer } from "./alarm";
import { decideAlarms } from "./decide";
import {
  ALARM_THRESHOLDS,
  SERVERLESS_THRESHOLDS,
  type AlarmThresholds,
  type DatabaseFacts,
  type RegionFacts,
} from "./facts";

/** Asks all regions how they are, waits for none that is down, and says what is out of order. */
export async function gatherAlarms(
  vantage: RegionId,
  thresholds: Partial<AlarmThresholds> = {},
): Promise<AlarmAnswer> {
  const { state, topology } = defaultRuntime();
  const serverless = topology.serverless ?? false;
  const answers = await askRegions(vantage, "alarms", async ({ id, write }) => {
    const [overview, { rows }] = await Promise.all([
      state.refresh(vantage, id),
      write.query<{ facts: DatabaseFacts }>("SELECT mr.alarm_facts() AS facts"),
    ]);
    const database = rows[0]?.facts;
    if (!database) throw new Error("mr.alarm_facts returned nothing");
    return { overview, database };
  });
  const regions = [...answers].map(([regionId, answer]): RegionFacts => {
    const city = REGIONS.find(({ id }) => id === regionId)?.city ?? regionId;
    return answer.kind === "answer"
      ? { kind: "read", regionId, city, ...answer.value }
      : { kind: "unread", regionId, city, reason: answer.reason };
  });
  const nowMs = Date.now();
  const alarms = decideAlarms({
    vantage,
    nowMs,
    regions,
    serverless,
    thresholds: { ...(serverless ? SERVERLESS_THRESHOLDS : ALARM_THRESHOLDS), ...thresholds },
  });
  return { alarms, checkedAt: new Date(nowMs).toISOString() };
}
