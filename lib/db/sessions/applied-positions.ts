import { systemSleep, type Sleep } from "@/lib/clock";
import { within } from "@/lib/db/regions/faults";
import type { ClientCache } from "@/lib/db/regions/clients";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { mergePositions, missingPositions, NOTHING, toPosition, type Positions } from "./positions";

/** How long a region may take to say what it has; the farthest one needs a quarter of a second. */
const ANSWER_MS = 1_000;

/** Trips there and back that a connection takes before it can be asked anything. */
const OPENING_TRIPS = 5;

/** Between two answers of a region that are remembered, and two questions that are asked to have one. */
const OBSERVE_EVERY_MS = 500;

/** Answers of a region that are remembered. */
const MAX_OBSERVED = 20;

/** Between two looks at a cursor that is being waited for: dense at first, since most waits are short. */
const POLL_MIN_MS = 3;
const POLL_MAX_MS = 20;

async function query(rows: Promise<{ actor: string; position: string }[]>): Promise<Positions> {
  return new Map((await rows).map((row) => [row.actor as Actor, toPosition(row.position)]));
}

/** What a read endpoint shows: each origin's cursor, and its own newest transaction. */
export function queryApplied(db: PrismaClient): Promise<Positions> {
  return query(db.$queryRaw`SELECT actor, position::text AS position FROM mr.applied()`);
}

/**
 * `applied` as `queryApplied`: whoever was told of a write finds it there. `visible` is what every read from now on shows:
 * of the endpoint's own transactions not those past one that is still open, of which nobody has been told yet.
 */
async function queryBoth(db: PrismaClient): Promise<{ applied: Positions; visible: Positions }> {
  const rows = await db.$queryRaw<{ actor: Actor; position: string; visible: string }[]>`
    SELECT actor, position::text AS position,
      (CASE WHEN actor = mr.local_actor() THEN least(position, mr.horizon() - 1)
        ELSE position END)::text AS visible
    FROM mr.applied()`;
  const pick = (what: "position" | "visible") =>
    new Map(rows.map((row) => [row.actor, toPosition(row[what])]));
  return { applied: pick("position"), visible: pick("visible") };
}

/** What a reader of the endpoint may just have seen; at most `queryApplied`. */
export function queryShown(db: PrismaClient): Promise<Positions> {
  return query(db.$queryRaw`SELECT actor, position::text AS position FROM mr.shown()`);
}

interface Observed {
  positions: Positions;
  askedAtMs: number;
  /** The same by the wall clock: the other one stands still while the machine sleeps. */
  askedAtWallMs: number;
}

/**
 * What each region has applied, as far as this process knows. Positions only grow, so what was once true stays true and a
 * cached answer makes no stale read, until a region goes back to an older copy: then until it has been asked again.
 */
export class AppliedPositions {
  private readonly known = new Map<RegionId, Positions>();
  private readonly refreshing = new Map<string, Promise<Positions>>();
  /** Of each region, oldest first, what is visible there, with when it was asked. */
  private readonly observed = new Map<RegionId, Observed[]>();
  private readonly askedAtMs = new Map<RegionId, number>();
  private readonly answeredAtMs = new Map<RegionId, number>();
  /** Links over which an answer has come. */
  private readonly connected = new Set<string>();

  /** @param roundTripMs as expected, over a link that is not connected yet */
  constructor(
    private readonly clients: ClientCache,
    private readonly roundTripMs: (vantage: RegionId, region: RegionId) => number = () => 0,
    private readonly sleep: Sleep = systemSleep,
    private readonly nowMs: () => number = () => performance.now(),
    private readonly wallMs: () => number = Date.now,
  ) {}

  cached(region: RegionId): Positions {
    return this.known.get(region) ?? NOTHING;
  }

  covers(region: RegionId, required: Positions): boolean {
    return missingPositions(required, this.cached(region)).size === 0;
  }

  /** Asks the region now, or joins a question that is under way. Fails if it does not answer soon. */
  refresh(vantage: RegionId, region: RegionId): Promise<Positions> {
    const key = `${vantage} ${region}`;
    let running = this.refreshing.get(key);
    if (!running) {
      const openingMs = this.connected.has(key)
        ? 0
        : OPENING_TRIPS * this.roundTripMs(vantage, region);
      const [askedAtMs, askedAtWallMs] = [this.nowMs(), this.wallMs()];
      this.askedAtMs.set(region, askedAtMs);
      running = within(ANSWER_MS + openingMs, queryBoth(this.clients.read(vantage, region)))
        .then(({ applied, visible }) => {
          this.connected.add(key);
          this.note(region, { positions: visible, askedAtMs, askedAtWallMs });
          return this.learn(region, applied, askedAtMs);
        })
        .finally(() => this.refreshing.delete(key));
      this.refreshing.set(key, running);
    }
    return running;
  }

  /** Asks the region, unless it was asked a moment ago. Not waited for. */
  observe(vantage: RegionId, region: RegionId): void {
    const asked = this.askedAtMs.get(region) ?? -Infinity;
    if (this.nowMs() - asked >= OBSERVE_EVERY_MS)
      this.refresh(vantage, region).catch(() => undefined);
  }

  /**
   * What a read of the region shows at least, as it answered last: unlike what is cached, not more than it has should it
   * have gone back to an older copy.
   */
  answered(region: RegionId): Positions {
    return this.observed.get(region)?.at(-1)?.positions ?? NOTHING;
  }

  /**
   * The same, as it answered the oldest question that was asked at most `withinMs` ago: it has shown at least that ever
   * since. Null where it has answered none.
   */
  hadWithin(region: RegionId, withinMs: number): Positions | null {
    const [sinceMs, sinceWallMs] = [this.nowMs() - withinMs, this.wallMs() - withinMs];
    return (
      this.observed
        .get(region)
        ?.find(
          ({ askedAtMs, askedAtWallMs }) => askedAtMs >= sinceMs && askedAtWallMs >= sinceWallMs,
        )?.positions ?? null
    );
  }

  private note(region: RegionId, answer: Observed): void {
    const observed = this.observed.get(region) ?? [];
    const last = observed.at(-1);
    if (last && last.askedAtMs > answer.askedAtMs) return;
    // The newest takes the place of one that came a moment after another.
    const before = observed.at(-2);
    if (last && before && last.askedAtMs - before.askedAtMs < OBSERVE_EVERY_MS) observed.pop();
    observed.push(answer);
    if (observed.length > MAX_OBSERVED) observed.shift();
    this.observed.set(region, observed);
  }

  /**
   * What the region's primary has, asked now. Nothing about what is read elsewhere follows from it
   * where the region is read from a replica, so it is not kept then.
   */
  askPrimary(vantage: RegionId, region: RegionId): Promise<Positions> {
    return this.readsFromReplica(vantage, region)
      ? within(ANSWER_MS, queryApplied(this.clients.write(vantage, region)))
      : this.refresh(vantage, region);
  }

  readsFromReplica(vantage: RegionId, region: RegionId): boolean {
    return this.clients.read(vantage, region) !== this.clients.write(vantage, region);
  }

  /**
   * One that was asked after another had answered counts alone: a region that has gone back to an older copy has no more
   * than it says.
   */
  private learn(region: RegionId, positions: Positions, askedAtMs: number): Positions {
    const answeredAtMs = this.answeredAtMs.get(region) ?? -Infinity;
    const known =
      askedAtMs > answeredAtMs ? positions : mergePositions(this.cached(region), positions);
    this.answeredAtMs.set(region, this.nowMs());
    this.known.set(region, known);
    return known;
  }

  /** Whether the region came to cover `required` within the time, asking it again and again. */
  async waitUntilCovered(
    vantage: RegionId,
    region: RegionId,
    required: Positions,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const deadline = this.nowMs() + timeoutMs;
    for (let pollMs = POLL_MIN_MS; ; pollMs = Math.min(pollMs * 1.5, POLL_MAX_MS)) {
      await this.refresh(vantage, region);
      if (this.covers(region, required)) return true;
      const leftMs = deadline - this.nowMs();
      if (leftMs <= 0 || signal?.aborted) return false;
      await this.sleep(Math.min(pollMs, leftMs), signal);
    }
  }
}
