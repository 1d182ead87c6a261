import { expect, vi } from "vitest";
import type { ClientCache } from "@/lib/db/regions/clients";
import type { Overview } from "@/lib/db/regions/overview";
import type { RegionState } from "@/lib/db/regions/region-state";
import type { RegionId } from "@/lib/db/regions/region-id";
import { AppliedPositions } from "@/lib/db/sessions/applied-positions";
import { toPosition } from "@/lib/db/sessions/positions";
import { routeRead, type Route, type RouteRequest } from "@/lib/db/sessions/route-read";
import { cursorView, overview, peerView } from "./overviews";

export const US = "us-east-1" as RegionId;
export const EU = "eu-west-1" as RegionId;
export const AP = "ap-southeast-1" as RegionId;
export const IDS = [US, EU, AP];

const RTT: Record<string, number> = { [EU]: 2, [US]: 76, [AP]: 170 };
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Regions as seen from eu-west-1: what each has applied, whether it answers, and how it looks. Time
 * is vitest's.
 */
export class RoutingWorld {
  applied: Record<string, Record<string, bigint>> = { [US]: {}, [EU]: {}, [AP]: {} };
  unreachable = new Set<string>();
  unhealthy = new Set<string>();
  markedDown: string[] = [];
  leader = US;
  /** What the observer last saw of each region's head; null: no overview at hand. */
  heads: Record<string, bigint> | null = { [US]: 1_000n, [EU]: 1_000n, [AP]: 1_000n };
  stalenessMs: Record<string, number | null> = { [US]: 0, [EU]: 0, [AP]: 0 };
  queries: string[] = [];
  fault: () => Error = () => Object.assign(new Error("refused"), { code: "ECONNREFUSED" });

  /** Of regions that are read from a replica: what their primary has; `applied` is the replica's. */
  primaries: Record<string, Record<string, bigint>> = {};
  primaryFault: Error | null = null;

  /** How long the connection to a region takes that there is not yet. */
  openingMs: Record<string, number> = {};
  /** What this process expects a trip to take, there and back. */
  expectedMs: (region: RegionId) => number = () => 0;
  private readonly opening = new Map<string, Promise<unknown>>();

  private readonly clients = new Map<string, unknown>();
  readonly positions = new AppliedPositions(
    {
      read: (_vantage: RegionId, region: RegionId) => this.client(region, "replica"),
      write: (_vantage: RegionId, region: RegionId) =>
        this.client(region, this.primaries[region] ? "primary" : "replica"),
    } as unknown as ClientCache,
    (_vantage, region) => this.expectedMs(region),
  );

  private client(region: RegionId, endpoint: "replica" | "primary"): unknown {
    const name = `${region} ${endpoint}`;
    const known = this.clients.get(name);
    if (known) return known;
    const client = {
      $queryRaw: async () => {
        const primary = endpoint === "primary";
        this.queries.push(primary ? name : region);
        await this.answer(region);
        if (primary && this.primaryFault) throw this.primaryFault;
        const rows = Object.entries((primary ? this.primaries : this.applied)[region] ?? {});
        return rows.map(([actor, position]) => {
          const text = position.toString();
          return { actor, position: text, visible: text };
        });
      },
    };
    this.clients.set(name, client);
    return client;
  }

  private async answer(region: string): Promise<void> {
    let opening = this.opening.get(region);
    if (!opening) this.opening.set(region, (opening = sleep(this.openingMs[region] ?? 0)));
    await opening;
    await sleep(RTT[region] ?? 0);
    if (this.unreachable.has(region)) throw this.fault();
  }

  private refreshOverview = async (_vantage: RegionId, region: RegionId): Promise<Overview> => {
    this.queries.push(region);
    await this.answer(region);
    const other = region === US ? EU : US;
    return overview({
      region,
      registered: [region, other],
      peers: [peerView(other)],
      cursors: [cursorView(other, { stalenessMs: this.stalenessMs[region] ?? null })],
    });
  };

  readonly state = {
    leader: () => ({ region: this.leader, epoch: 1 }),
    isHealthy: (_vantage: RegionId, region: RegionId) =>
      !this.unhealthy.has(region) && !this.markedDown.includes(region),
    markDown: (_vantage: RegionId, region: RegionId) => this.markedDown.push(region),
    roundTripMs: (_vantage: RegionId, region: RegionId) => RTT[region] ?? 0,
    regionIds: () => IDS,
    findRegionId: (name: string) => IDS.find((id) => id === name),
    around: () =>
      this.heads &&
      overview({
        peers: Object.entries(this.heads).map(([region, head]) =>
          peerView(region, { head: toPosition(head) }),
        ),
      }),
    refresh: this.refreshOverview,
  } as unknown as RegionState;

  at(ms: number, change: () => void): void {
    setTimeout(change, ms);
  }

  /** Lets time pass until the route is decided. */
  async route(request: Partial<RouteRequest> = {}): Promise<Route & { ms: number }> {
    const started = performance.now();
    let over = false;
    const decided = routeRead(
      { state: this.state, applied: this.positions },
      {
        vantage: EU,
        order: [EU, US, AP],
        level: "session",
        required: new Map(),
        tokenInvalid: false,
        ...request,
      },
    ).then((route) => ({ ...route, ms: performance.now() - started }));
    const ended = () => {
      over = true;
    };
    decided.then(ended, ended);
    for (let steps = 0; !over && steps < 20_000; steps++) await vi.advanceTimersToNextTimerAsync();
    expect(over).toBe(true);
    return decided;
  }
}
