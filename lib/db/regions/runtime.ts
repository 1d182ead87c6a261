import type { EntityType } from "@/lib/db/conflicts/entities";
import { policiesUnder, type EntityPolicies } from "@/lib/db/conflicts/policies";
import type { EntityPolicy } from "@/lib/db/conflicts/policy";
import { HeldWatches } from "@/lib/db/failover/held-watch";
import { LeaderSearch } from "@/lib/db/failover/leader-search";
import { RedisCache } from "@/lib/db/redis";
import { wakePublisher } from "@/lib/db/replication/bus";
import { AppliedPositions } from "@/lib/db/sessions/applied-positions";
import { SessionMirror } from "@/lib/db/sessions/mirror";
import { runLater } from "@/lib/db/ticks/later";
import { LeadershipTicks } from "@/lib/db/ticks/leadership-ticks";
import { StreamTicks } from "@/lib/db/ticks/stream-ticks";
import { ClientCache } from "./clients";
import type { RegionId } from "./region-id";
import { RegionState } from "./region-state";
import { expectedRoundTripMs, topologyFromEnv, type Topology } from "./topology";

/** What the managers of one process share: connections, and what is known of the regions. */
export class Runtime {
  private resolved: Topology | undefined;
  private policies: EntityPolicies | undefined;
  readonly clients = new ClientCache(() => this.topology);
  readonly redis = new RedisCache(() => this.topology);
  readonly state = new RegionState(() => this.topology, this.clients);
  readonly leaders = new LeaderSearch(this.state, () => this.topology);
  readonly held = new HeldWatches(this.clients);
  readonly applied = new AppliedPositions(this.clients, (vantage, region) =>
    expectedRoundTripMs(this.topology, vantage, region),
  );
  readonly mirror = new SessionMirror();
  readonly streamTicks = new StreamTicks(() => this.topology);
  readonly leadershipTicks = new LeadershipTicks(() => this.topology, this.state);

  /** Opens nothing: the topology is read, and connections are made, at first use. */
  constructor(private readonly resolve: () => Topology = topologyFromEnv) {}

  get topology(): Topology {
    return (this.resolved ??= this.resolve());
  }

  /** An entity's policy, with the configured defaults where it leaves them open. */
  policy(entityType: EntityType): EntityPolicy {
    this.policies ??= policiesUnder(this.topology.defaults);
    return this.policies[entityType];
  }

  /**
   * A region has committed something. Its publisher is woken; where no workers run, this process takes it to the other
   * regions itself, after it has answered. Should that be lost the next one does. Never rejects.
   *
   * @param position of what was committed, for the trace that it was made in
   */
  async wake(vantage: RegionId, region: RegionId, position?: bigint): Promise<void> {
    if (this.topology.serverless) runLater(() => this.streamTicks.carry(vantage, region));
    else await wakePublisher(this.redis, vantage, region, position);
  }

  /** Somebody waits for the others to have what a region has committed. Where no workers take it there, this process does. */
  carry(vantage: RegionId, region: RegionId): void {
    if (this.topology.serverless) void this.streamTicks.carry(vantage, region);
  }

  /** A region that should lead has no lease. Where no workers keep one, this process does. Not waited for. */
  tendLease(vantage: RegionId): void {
    if (this.topology.serverless) void this.leadershipTicks.tend(vantage);
  }

  async close(): Promise<void> {
    this.redis.close();
    await Promise.all([this.streamTicks.close(), this.leadershipTicks.close()]);
    await this.clients.close();
  }
}

const holder = globalThis as { meridianRuntime?: Runtime };

/** The process's runtime. On globalThis, because a development server reloads modules. */
export function defaultRuntime(): Runtime {
  return (holder.meridianRuntime ??= new Runtime());
}
