import type { EntityType } from "@/lib/db/conflicts/entities";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { makeReceipt } from "@/lib/db/sessions/make-receipt";
import { NOTHING } from "@/lib/db/sessions/positions";
import type { Receipt } from "@/lib/db/sessions/receipt";
import { rememberSeen, shownBy } from "@/lib/db/sessions/session-entries";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { confirmShown } from "./confirm-shown";
import { readFromLeader } from "./leader-read";

export interface StrongReadOptions {
  userId: string;
  vantage: RegionId;
  preferred: RegionId;
  /** Of performance.now(). */
  started: number;
  /** What is read, where that is rows of one entity. */
  of: EntityType | undefined;
  timeoutMs: number;
}

/** The leader's state, and whether it can be lost with it. Throws as `readFromLeader`. */
export async function readStrongly<T>(
  runtime: Runtime,
  read: (db: PrismaClient, regionId: RegionId) => Promise<T>,
  { userId, vantage, preferred, started, of, timeoutMs }: StrongReadOptions,
): Promise<{ data: T; regionId: RegionId; wasRedirected: boolean; receipt: Receipt }> {
  const answer = await readFromLeader(runtime, vantage, read, timeoutMs);
  const { data, region, client, epoch } = answer;
  const shown = await shownBy(client, data);
  await rememberSeen(runtime, userId, vantage, shown, NOTHING);
  const led = epoch !== null;
  const quorum = led ? await confirmShown(runtime, vantage, { of, region, shown }) : null;
  const reason = region === preferred ? "nearest" : "redirected-leader";
  const receipt = makeReceipt(runtime, {
    level: "strong",
    route: { region, reason: led ? reason : "no-lease", stale: !led },
    vantage,
    started,
    waitedMs: answer.waitedMs,
    required: NOTHING,
    preferred,
    sessionComplete: true,
  });
  return {
    data,
    regionId: region,
    wasRedirected: receipt.redirected,
    receipt: led ? { ...receipt, epoch, leader: region, ...(quorum ? { quorum } : {}) } : receipt,
  };
}
