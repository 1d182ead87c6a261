import type pg from "pg";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { positionsFromJson, toPosition, type Position } from "@/lib/db/sessions/positions";
import { getLogger } from "@/lib/log";
import { systemSleep } from "@/lib/clock";
import { isFresh, newestEpoch, type RegionView } from "./facts";
import { lastPosition, noteStranded, readAttempts, unseenEvents } from "./history";
import { DEFAULT_FAILOVER_SETTINGS } from "./settings";

/** How many past promotions are looked at: each former leader is behind one of them. */
const RECENT = 20;

/** How long the leader waits for a former leader's stream before it looks again. */
const ARRIVAL_MS = 30_000;

/**
 * When a former leader answers again, the region that leads notes what became of the writes that it had
 * not told anybody. Its stream merges them like all others; this only records the outcome.
 */
export class StrandedWrites {
  /** Actor and epoch of what has been looked at, or is. */
  private readonly noted = new Set<string>();

  constructor(
    private readonly region: RegionId,
    private readonly pools: ReadonlyMap<RegionId, pg.Pool>,
  ) {}

  /** Called with every sample; starts work at most once per former leader and epoch. */
  notice(views: ReadonlyMap<RegionId, RegionView>): void {
    const newest = newestEpoch(views.values());
    if (newest?.leader !== this.region || newest.epoch === 1n) return;
    for (const view of views.values()) {
      const { sample, region } = view;
      if (region === this.region || !sample) continue;
      if (!isFresh(view, performance.now(), DEFAULT_FAILOVER_SETTINGS)) continue;
      const key = `${sample.actor} ${newest.epoch}`;
      if (this.noted.has(key)) continue;
      this.noted.add(key);
      this.record(region, sample.actor, newest.epoch).catch((err: unknown) => {
        this.noted.delete(key);
        getLogger("leadership").debug({ err, former: region }, "stranded writes not noted yet");
      });
    }
  }

  private async record(former: RegionId, actor: Actor, epoch: bigint): Promise<void> {
    const own = this.pools.get(this.region);
    const theirs = this.pools.get(former);
    if (!own || !theirs) return;
    const done = (await readAttempts(own, RECENT)).filter(({ status }) => status === "completed");
    const after = done.find((attempt) => attempt.from === former && attempt.epoch !== null);
    const lastOf = (id: RegionId) =>
      done.reduce(
        (last, { to, epoch: led }) => (to === id && led !== null && led > last ? led : last),
        0n,
      );
    if (lastOf(this.region) < epoch) throw new Error("This epoch is not in the history yet");
    // Handed over: nothing was left behind. Led again since: what it wrote then was no tail.
    if (!after?.epoch || after.kind === "switchover" || lastOf(former) > after.epoch) return;
    // An actor of which nothing had ever been applied has no entry.
    const cut = positionsFromJson(after.cut)?.get(actor) ?? toPosition(0n);
    const events = await unseenEvents(theirs, cut);
    if (events.length === 0) return;
    await this.arrived(own, actor, lastPosition(events));
    await noteStranded(own, after.epoch, events);
    getLogger("leadership").info({ former, count: events.length }, "stranded writes merged");
  }

  private async arrived(own: pg.Pool, actor: Actor, position: Position): Promise<void> {
    const untilMs = performance.now() + ARRIVAL_MS;
    while (performance.now() < untilMs) {
      const { rows } = await own.query<{ position: string }>(
        "SELECT position::text FROM mr.cursor WHERE actor = $1",
        [actor],
      );
      if (toPosition(rows[0]?.position ?? "0") >= position) return;
      await systemSleep(100);
    }
    throw new Error(`The stream of ${actor} has not arrived`);
  }
}
