import { within } from "@/lib/db/regions/faults";
import { MultiRegionDb } from "@/lib/db/multi-region-config";
import { defaultRuntime } from "@/lib/db/regions/runtime";
import { getLogger } from "@/lib/log";
import { ROLES, type Role, type SessionUser } from "./session-options";

/** A region that takes longer is passed over: an operator is in a hurry when regions are down. */
const ANSWER_MS = 1_000;

/** Questions under way: a page's links are prefetched all at once, and each asks who may see it. */
const asking = new Map<string, Promise<Role>>();

/**
 * The role that an account has now, for a session whose cookie says more than "user": as the nearest region that
 * answers knows it. A role that was given comes with the next sign-in. Where no region answers it is the cookie's, for
 * administrators are needed then.
 */
export async function currentRole(session: Pick<SessionUser, "userId" | "role">): Promise<Role> {
  if (session.role === "user") return "user";
  const { userId } = session;
  let answer = asking.get(userId);
  if (!answer) {
    answer = askRegions(session).finally(() => asking.delete(userId));
    asking.set(userId, answer);
  }
  return answer;
}

async function askRegions({ userId, role }: Pick<SessionUser, "userId" | "role">): Promise<Role> {
  const { topology } = defaultRuntime();
  const db = new MultiRegionDb(defaultRuntime, topology.currentRegion);
  for (const region of db.regionsInOrder()) {
    try {
      const row = await within(
        ANSWER_MS,
        db.getReadClient(region).user.findUnique({
          where: { id: userId },
          select: { role: true, deletedAt: true },
        }),
      );
      // The account may be newer than what this region has.
      if (!row) continue;
      if (row.deletedAt !== null) return "user";
      return ROLES.find((known) => known === row.role) ?? "user";
    } catch (error) {
      getLogger("accounts").warn({ err: error, region }, "A region did not say who may what.");
    }
  }
  return role;
}
