import pg from "pg";
import { systemSleep } from "@/lib/clock";
import { LeadershipController } from "@/lib/db/failover/controller";
import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { RegionState } from "@/lib/db/regions/region-state";
import { distanceIn, regionIds, regionsByDistance, type Topology } from "@/lib/db/regions/topology";
import { PeerObserver } from "@/lib/db/replication/peer-observer";
import { endSilentHolder } from "@/lib/db/replication/silent-holder";
import { connectStore } from "@/lib/db/replication/store";
import { getLogger } from "@/lib/log";

/** How long one tick looks for a leader at most, in ms: longer than a region may take to be given up and replaced. */
const PATIENCE_MS = 8_000;

/** Between two looks at who has the lease, in ms. */
const LOOK_MS = 50;

/** A region that takes longer to say so says nothing, in ms. */
const ANSWER_MS = 1_000;

/** Between two attempts to be the one who tends, in ms. */
const TURN_MS = 250;

/** Advisory lock of the processes that tend the lease from one place. Losing it only costs connections. */
const TURN_LOCK = 72_707_371;

/** Then databases are compared: one that was started anew does not vote before its peers know that it is no old copy. */
const COMPARE_AFTER_MS = 200;
const COMPARE_EVERY_MS = 1_000;

/** To each region, for all controllers and comparisons of a tick. */
const CONNECTIONS = 4;

/** What the last statements of a tick may take before their connections are closed, in ms. */
const END_MS = 1_000;

/**
 * The lease and its failover where no worker keeps them: whoever needs a leader probes, renews and promotes, until one
 * has its lease. It is what workers do, for as long as it takes. Of many processes in one place one does it at a time,
 * for the sake of connections: several at once, and workers beside them, are harmless.
 */
export class LeadershipTicks {
  private readonly tending = new Map<RegionId, Promise<void>>();

  constructor(
    private readonly topology: () => Topology,
    private readonly state: Pick<RegionState, "askLeader">,
  ) {}

  /** Returns once a region has a lease, or gives up. One at a time in a process. Never rejects. */
  tend(vantage: RegionId): Promise<void> {
    let tending = this.tending.get(vantage);
    if (!tending) {
      tending = this.tendOnce(vantage)
        .catch((err: unknown) => getLogger("ticks").warn({ err }, "no leader looked for"))
        .finally(() => this.tending.delete(vantage));
      this.tending.set(vantage, tending);
    }
    return tending;
  }

  /** Returns once nothing is under way. */
  async close(): Promise<void> {
    await Promise.all(this.tending.values());
  }

  private async tendOnce(vantage: RegionId): Promise<void> {
    const led = new AbortController();
    const late = setTimeout(() => led.abort(), PATIENCE_MS);
    try {
      await Promise.all([
        this.untilLed(vantage, led),
        this.whenItIsOurTurn(vantage, led.signal, () => this.control(vantage, led.signal)),
      ]);
    } finally {
      clearTimeout(late);
    }
  }

  /** Aborts `led` when some region says that it has the lease. */
  private async untilLed(vantage: RegionId, led: AbortController): Promise<void> {
    const look = async (region: RegionId) => {
      while (!led.signal.aborted) {
        const asked = this.state.askLeader(vantage, region);
        const answer = await within(ANSWER_MS, asked).catch(() => null);
        if (answer?.holdsLease) led.abort();
        await systemSleep(LOOK_MS, led.signal);
      }
    };
    const ended = new Promise((resolve) => led.signal.addEventListener("abort", resolve));
    // Not for the answers of those that hang.
    await Promise.race([Promise.all(regionIds(this.topology()).map(look)), ended]);
  }

  /** The turn is given by the nearest region that answers, and ends with the connection to it. */
  private async whenItIsOurTurn(
    vantage: RegionId,
    end: AbortSignal,
    work: () => Promise<void>,
  ): Promise<void> {
    for (const { id } of regionsByDistance(this.topology(), vantage)) {
      if (end.aborted) return;
      const client = new pg.Client({
        connectionString: this.topology().endpoints(vantage, id).direct,
        connectionTimeoutMillis: ANSWER_MS,
        query_timeout: ANSWER_MS,
        application_name: "meridian-tick",
      });
      client.on("error", () => undefined);
      try {
        await client.connect();
        while (!end.aborted) {
          const { rows } = await client.query<{ ours: boolean }>(
            "SELECT pg_try_advisory_lock($1) AS ours",
            [TURN_LOCK],
          );
          if (rows[0]?.ours) {
            await work();
            return;
          }
          // Theirs is over by then; a platform may have frozen them.
          await endSilentHolder(client, TURN_LOCK);
          await systemSleep(TURN_MS, end);
        }
      } catch (err) {
        getLogger("ticks").debug({ err, region: id }, "no turn given");
      } finally {
        void within(END_MS, client.end()).catch(() => undefined);
      }
    }
  }

  private async control(vantage: RegionId, end: AbortSignal): Promise<void> {
    const topology = this.topology();
    const settings = topology.failover;
    if (settings === null) return;
    const ids = regionIds(topology);
    const pools = new Map<RegionId, pg.Pool>(
      ids.map((id) => [
        id,
        connectStore(topology.endpoints(vantage, id).direct, {
          max: CONNECTIONS,
          queryTimeoutMs: settings.probeTimeoutMs,
        }),
      ]),
    );
    const distanceMs = distanceIn(topology);
    const controllers = ids.map(
      (region) => new LeadershipController({ region, pools, settings, distanceMs, warm: 1 }),
    );
    try {
      const running = controllers.map((controller) => controller.run());
      running.push(compare(pools, end));
      if (!end.aborted) await new Promise((resolve) => end.addEventListener("abort", resolve));
      for (const controller of controllers) await controller.stop();
      // An attempt to lead that is under way ends by itself: its last step is what makes it count.
      await Promise.all(running);
    } finally {
      for (const pool of pools.values()) {
        void within(END_MS, pool.end()).catch(() => undefined);
      }
    }
  }
}

/** Lets each region's database know what the others have of it, as its worker would. */
async function compare(pools: ReadonlyMap<RegionId, pg.Pool>, end: AbortSignal): Promise<void> {
  const observers = [...pools].map(
    ([region, local]) =>
      new PeerObserver({ region, local, peers: pools, busMode: () => "degraded" }),
  );
  await systemSleep(COMPARE_AFTER_MS, end);
  while (!end.aborted) {
    await Promise.all(observers.map((observer) => observer.observeOnce()));
    await systemSleep(COMPARE_EVERY_MS, end);
  }
}
