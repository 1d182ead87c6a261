import { distanceKm, estimatedRoundTripMs } from "@/lib/db/regions/distance";
import { MeridianError } from "@/lib/errors";
import type { RegionEntry } from "@/lib/region-catalogue";
import { LinkProxy, type CutDirection } from "@/scripts/local/link-proxy";
import { freePort } from "@/scripts/local/process-tools";

export class UnknownLinkError extends MeridianError {
  constructor(from: string, to: string) {
    super("unknown-link", `There is no link from "${from}" to "${to}".`, { data: { from, to } });
  }
}

/** Typical one-way times between the default regions; others are estimated from the distance. */
const ONE_WAY_MS: Readonly<Record<string, number>> = {
  "eu-west-1 us-east-1": 38,
  "ap-southeast-1 us-east-1": 110,
  "ap-southeast-1 eu-west-1": 85,
};

/** Latency one way between two regions, in ms. Pure. */
export function oneWayDelayMs(a: RegionEntry, b: RegionEntry): number {
  if (a.id === b.id) return 0;
  const known = ONE_WAY_MS[[a.id, b.id].sort().join(" ")];
  return known ?? Math.round(estimatedRoundTripMs(distanceKm(a, b)) / 2);
}

export const LINK_TARGETS = ["postgres", "redis"] as const;
export type LinkTarget = (typeof LINK_TARGETS)[number];

/** What code in one region uses to reach another: a path to its Postgres and one to its Redis. */
export interface RegionLink {
  from: string;
  to: string;
  /** Null where the region's own is not ours, but external: that is reached directly. */
  postgres: LinkProxy | null;
  redis: LinkProxy | null;
}

export interface LinkFault {
  /** Default: both. */
  target?: LinkTarget;
  delayMs?: number;
  cut?: CutDirection;
  refuse?: true;
  reset?: true;
  heal?: true;
  /** Heals, and takes the delay back to what it is without a fault. */
  restore?: true;
  resetCounters?: true;
}

export interface LinkBackends {
  /** Port of a region's Postgres; null when it is external. */
  postgresPort: (region: string) => number | null;
  redisPort: number | null;
}

/** All links of the planet: one for each ordered pair of regions, also from a region to itself. */
export class PlanetLinks {
  private readonly links = new Map<string, RegionLink>();
  /** One way, in ms, without a fault. */
  private readonly usualDelays = new Map<RegionLink, number>();

  constructor(
    private readonly regions: readonly RegionEntry[],
    private readonly options: { latency: boolean; firstPort: number; takenPorts: Set<number> },
  ) {}

  async start(backends: LinkBackends): Promise<void> {
    let preferred = this.options.firstPort;
    const open = async (port: number | null, delayMs: number) => {
      if (port === null) return null;
      const taken = this.options.takenPorts;
      const listenPort = preferred === 0 ? 0 : await freePort(preferred++, { taken });
      const proxy = new LinkProxy({
        listenPort,
        targetHost: "127.0.0.1",
        targetPort: port,
        oneWayDelayMs: delayMs,
      });
      await proxy.start();
      return proxy;
    };
    for (const from of this.regions) {
      for (const to of this.regions) {
        const delayMs = this.options.latency ? oneWayDelayMs(from, to) : 0;
        const link = {
          from: from.id,
          to: to.id,
          postgres: await open(backends.postgresPort(to.id), delayMs),
          redis: await open(backends.redisPort, delayMs),
        };
        this.links.set(`${from.id} ${to.id}`, link);
        this.usualDelays.set(link, delayMs);
      }
    }
  }

  async stop(): Promise<void> {
    const proxies = this.all().flatMap(({ postgres, redis }) => [postgres, redis]);
    await Promise.all(proxies.map((proxy) => proxy?.stop()));
    this.links.clear();
  }

  all(): RegionLink[] {
    return [...this.links.values()];
  }

  find(from: string, to: string): RegionLink {
    const link = this.links.get(`${from} ${to}`);
    if (!link) throw new UnknownLinkError(from, to);
    return link;
  }

  usualDelayMs(link: RegionLink): number {
    return this.usualDelays.get(link) ?? 0;
  }

  /** Ends every fault: all links work, with the delays of the beginning. */
  async healAll(): Promise<void> {
    for (const link of this.all()) {
      await this.apply(link.from, link.to, { restore: true });
    }
  }

  /** Changes one link. Healing comes first, so that one request can replace a fault by another. */
  async apply(from: string, to: string, fault: LinkFault): Promise<void> {
    const link = this.find(from, to);
    for (const target of LINK_TARGETS) {
      const proxy = link[target];
      if (!proxy || (fault.target !== undefined && fault.target !== target)) continue;
      if (fault.heal || fault.restore) await proxy.heal();
      if (fault.restore) proxy.setDelay(this.usualDelayMs(link));
      if (fault.delayMs !== undefined) proxy.setDelay(fault.delayMs);
      if (fault.cut) await proxy.cut({ direction: fault.cut });
      if (fault.refuse) await proxy.refuse();
      if (fault.reset) proxy.reset();
      if (fault.resetCounters) proxy.resetCounters();
    }
  }
}

function describeProxy(proxy: LinkProxy | null) {
  if (!proxy) return null;
  const { port, oneWayDelayMs: delayMs, state, counters } = proxy;
  return { port, delayMs, state, counters: { ...counters } };
}

/** JSON-safe. */
export function describeLink(link: RegionLink) {
  return {
    from: link.from,
    to: link.to,
    postgres: describeProxy(link.postgres),
    redis: describeProxy(link.redis),
  };
}
