import type { EntityType } from "@/lib/db/conflicts/entities";
import { policiesUnder, type EntityPolicies } from "@/lib/db/conflicts/policies";
import type { EntityPolicy } from "@/lib/db/conflicts/policy";
import { HeldWatches } from "@/lib/db/failover/held-watch";
import { LeaderSearch } from "@/lib/db/failover/leader-search";
import { RedisCache } from "@/lib/db/redis";
import { AppliedPositions } from "@/lib/db/sessions/applied-positions";
import { SessionMirror } from "@/lib/db/sessions/mirror";
import { ClientCache } from "./clients";
import { RegionState } from "./region-state";
import { topologyFromEnv, type Topology } from "./topology";

/** What the managers of one process share: connections, and what is known of the regions. */
export class Runtime {
  private resolved: Topology | undefined;
  private policies: EntityPolicies | undefined;
  readonly clients = new ClientCache(() => this.topology);
  readonly redis = new RedisCache(() => this.topology);
  readonly state = new RegionState(() => this.topology, this.clients);
  readonly leaders = new LeaderSearch(this.state, () => this.topology);
  readonly held = new HeldWatches(this.clients);
  readonly applied = new AppliedPositions(this.clients);
  readonly mirror = new SessionMirror();

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

  async close(): Promise<void> {
    this.redis.close();
    await this.clients.close();
  }
}

const holder = globalThis as { meridianRuntime?: Runtime };

/** The process's runtime. On globalThis, because a development server reloads modules. */
export function defaultRuntime(): Runtime {
  return (holder.meridianRuntime ??= new Runtime());
}
