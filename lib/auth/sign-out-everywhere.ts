import { writeRow, type WrittenRow } from "@/lib/db/writes/write-row";
import { acknowledge } from "@/lib/documents/acknowledge";
import { refused, type Actor, type WriteOutcome } from "@/lib/documents/types";
import { MeridianError } from "@/lib/errors";
import type { PrismaClient } from "@/lib/generated/prisma/client";

interface Raised extends WrittenRow {
  sessionEpoch: number;
}

const NOT_LED = refused(
  "unavailable",
  "The leading region did not take it, so no session was ended. Try again shortly.",
);
const UNKNOWN = refused(
  "unavailable",
  "The leading region stopped answering. Whether sessions were ended is not known; this one may be among them. Try again shortly.",
);

/**
 * Ends all sessions of the actor's account, in each region as soon as that has heard of it. An attempt that is repeated
 * may raise the epoch twice, which ends nothing more.
 *
 * @returns the epoch that a session needs which is to go on
 */
export async function signOutEverywhere(
  actor: Actor,
): Promise<WriteOutcome<{ accountEpoch: number }>> {
  const startedMs = performance.now();
  const { userId, vantage } = actor;
  const written = await writeRow("User", vantage, (db) => raiseEpoch(db, userId));
  if (written.kind === "indeterminate") return UNKNOWN;
  if (written.kind === "refused") return NOT_LED;
  const { regionId, reason, waitedMs } = written;
  const { origin, position, sessionEpoch: accountEpoch } = written.value;
  const event = { entityType: "User", entityId: userId, origin, position } as const;
  return acknowledge(actor, startedMs, { regionId, reason, waitedMs }, event, { accountEpoch });
}

async function raiseEpoch(db: PrismaClient, userId: string): Promise<Raised> {
  const [row] = await db.user.updateManyAndReturn({
    where: { id: userId, deletedAt: null },
    data: { sessionEpoch: { increment: 1 } },
    select: { id: true, origin: true, position: true, sessionEpoch: true },
  });
  if (!row) throw new MeridianError("no-account", "The leading region has no such account");
  return row;
}
