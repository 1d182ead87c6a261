import { systemSleep, type Sleep } from "@/lib/clock";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { within } from "@/lib/db/regions/faults";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { getLogger } from "@/lib/log";
import { roleNamed, type Role, type SessionUser } from "./session-options";

/** What an account may do now, whatever its sessions were sealed with. */
export interface Standing {
  role: Role;
  /** Sessions of an earlier one are over. */
  accountEpoch: number;
  /** It is gone, and with it all its sessions. */
  deleted: boolean;
}

/** What is known is believed for so long without asking, in ms. */
const FRESH_MS = 1_000;
/** And for so long while it is asked for again: a page that polls never waits. */
const USABLE_MS = 5_000;
/** Longest wait of a request, in ms. Then the session counts as it was sealed, or as was known last. */
const PATIENCE_MS = 300;
/** After which the next region is asked as well, in ms. */
const HEDGE_MS = 60;
/** A region that takes longer has not answered. */
const ASK_MS = 1_000;
/** Accounts that are remembered. */
const MAX_KNOWN = 10_000;

/** Null where the region has no such account. */
type Ask = (region: RegionId) => Promise<Standing | null>;

interface Known {
  /** Null: the region has no such account, or not yet. */
  standing: Standing | null;
  atMs: number;
}

/**
 * What the nearest region that answers says of an account, so that a role that was taken away and sessions that were
 * ended are so in all regions within seconds. It is one read of an index, shared by the requests of a second, and
 * never a reason to refuse somebody: a region that has not heard of an account yet, or is not there, says nothing.
 */
export class Standings {
  private readonly known = new Map<string, Known>();
  private readonly asking = new Map<string, Promise<Standing | null>>();

  constructor(
    private readonly sleep: Sleep = systemSleep,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** @param regions from near to far */
  async of(userId: string, regions: readonly RegionId[], ask: Ask): Promise<Standing | null> {
    const known = this.known.get(userId);
    const ageMs = known ? this.nowMs() - known.atMs : Infinity;
    if (known && ageMs < FRESH_MS) return known.standing;
    const answer = this.refresh(userId, () => askNearest(regions, ask, this.sleep));
    if (known && ageMs < USABLE_MS) return known.standing;
    const late = this.sleep(PATIENCE_MS).then(() => known?.standing ?? null);
    return Promise.race([answer, late]);
  }

  /** After a change of this process's own. */
  forget(userId: string): void {
    this.known.delete(userId);
  }

  private refresh(
    userId: string,
    answer: () => Promise<Standing | null>,
  ): Promise<Standing | null> {
    let running = this.asking.get(userId);
    if (!running) {
      running = answer()
        .then((standing) => this.learn(userId, standing))
        .catch((error: unknown) => {
          getLogger("standing").warn({ err: error }, "No region said what an account may do.");
          return this.known.get(userId)?.standing ?? null;
        })
        .finally(() => this.asking.delete(userId));
      this.asking.set(userId, running);
    }
    return running;
  }

  private learn(userId: string, told: Standing | null): Standing | null {
    const before = this.known.get(userId)?.standing ?? null;
    const standing = isOlder(told, before) ? before : told;
    this.known.delete(userId);
    this.known.set(userId, { standing, atMs: this.nowMs() });
    if (this.known.size > MAX_KNOWN) this.known.delete(this.known.keys().next().value!);
    return standing;
  }
}

/** Told by a region that is behind another one that was asked before. */
function isOlder(told: Standing | null, before: Standing | null): boolean {
  if (before === null) return false;
  return (
    told === null || told.accountEpoch < before.accountEpoch || (before.deleted && !told.deleted)
  );
}

/** The nearest first, and the next one as well when it takes long or fails. */
async function askNearest(
  regions: readonly RegionId[],
  ask: Ask,
  sleep: Sleep,
): Promise<Standing | null> {
  const answered = new AbortController();
  const asked = regions.map(async (region, turn) => {
    await sleep(turn * HEDGE_MS, answered.signal);
    answered.signal.throwIfAborted();
    return ask(region);
  });
  return Promise.any(asked).finally(() => answered.abort());
}

async function readStanding(db: PrismaClient, id: string): Promise<Standing | null> {
  const select = { role: true, sessionEpoch: true, deletedAt: true };
  const row = await within(ASK_MS, db.user.findUnique({ where: { id }, select }));
  if (!row) return null;
  const { role, sessionEpoch: accountEpoch, deletedAt } = row;
  return { role: roleNamed(role), accountEpoch, deleted: deletedAt !== null };
}

const standings = new Standings();

/** The session as its account stands now; null for one that is over. Asked from `vantage`. */
export async function withStanding(
  user: SessionUser,
  vantage: RegionId,
): Promise<SessionUser | null> {
  const { userId } = user;
  const db = multiRegionDb.from(vantage);
  const standing = await standings.of(userId, db.regionsInOrder(), (region) =>
    readStanding(db.getReadClient(region), userId),
  );
  return standing ? underStanding(user, standing) : user;
}

/** Pure. */
export function underStanding(user: SessionUser, standing: Standing): SessionUser | null {
  if (standing.deleted || standing.accountEpoch > user.accountEpoch) return null;
  return { ...user, role: standing.role };
}

export function forgetStanding(userId: string): void {
  standings.forget(userId);
}
