import { openDatabasePath } from "@/__tests__/support/database-path";
import { createRegions, type TestRegions } from "@/__tests__/support/stores";
import type { RegionId } from "@/lib/db/multi-region-config";
import { Runtime } from "@/lib/db/regions/runtime";
import type { Topology } from "@/lib/db/regions/topology";
import type { Actor, Refused, WriteOutcome } from "@/lib/documents/types";
import { STANDARD_QUORUM_HEDGE_MS, type PolicyDefaults } from "@/lib/policy-defaults";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { testDefaults } from "@/__tests__/support/test-defaults";

const NOWHERE = "postgresql://nobody:nothing@127.0.0.1:1/nowhere";

type CountedTable = "Document" | "DocumentVersion" | "DocumentUpdate" | "Collaborator" | "Conflict";

export interface TestDomain {
  stores: TestRegions;
  topology: Topology;
  /** Cuts the region off from every vantage, or restores it. */
  setDown(regionId: string, down: boolean): void;
  /** An account as the leader has it, put into each region as replication would. */
  addUser(name: string): Promise<Actor>;
  /** Rows of a table in one region, without going through the domain. */
  count(table: CountedTable, regionId?: string): Promise<number>;
  /** What a statement of the owner returns in one region; by default the leading one. */
  rows<T>(sql: string, values?: unknown[], regionId?: string): Promise<T[]>;
  close(): Promise<void>;
}

/** The process's runtime over fresh databases: what the domain uses in a request, it uses here. */
export async function startDomain(options: Partial<PolicyDefaults> = {}): Promise<TestDomain> {
  const defaults = { ...testDefaults(), ...options };
  const stores = await createRegions({ defaults });
  const down = new Set<string>();
  const byId = new Map(stores.regions.map((region) => [region.id, region]));
  const pick = (id: string) => {
    const region = byId.get(id);
    if (!region) throw new RangeError(`No region ${id}`);
    return region;
  };
  const path = await openDatabasePath(stores.regions.map(({ appUrl }) => appUrl));
  const topology: Topology = {
    ...path.driver,
    regions: DEFAULT_REGIONS.map((region) => ({ ...region, id: region.id as RegionId })),
    currentRegion: "us-east-1" as RegionId,
    sessionSecret: "session-secret-of-a-test-32-characters",
    replicationSecret: "replication-secret-of-a-test-32-chars",
    failover: null,
    defaults,
    quorumHedgeMs: STANDARD_QUORUM_HEDGE_MS,
    residencies: {},
    addressSecret: "address-secret-of-a-test-32-characters",
    endpoints: (_, id) => {
      const { appUrl, directUrl } = pick(id);
      const url = down.has(id) ? NOWHERE : path.through(appUrl);
      return {
        read: url,
        write: url,
        direct: directUrl,
        peer: directUrl,
        redis: stores.redisUrl,
      };
    },
  };
  const holder = globalThis as { meridianRuntime?: Runtime };
  const runtime = new Runtime(() => topology);
  holder.meridianRuntime = runtime;

  return {
    stores,
    topology,
    setDown: (id, isDown) => void (isDown ? down.add(id) : down.delete(id)),
    async addUser(name) {
      const id = `user-${name}`;
      const values = [id, `${name}@example.com`, name];
      const insert = `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ($1, $2, $3, '')`;
      await pick("us-east-1").pool.query(insert, values);
      for (const region of ["eu-west-1", "ap-southeast-1"]) {
        const client = await pick(region).pool.connect();
        try {
          await client.query("BEGIN; SET LOCAL session_replication_role = replica");
          await client.query(insert, values);
          await client.query("COMMIT");
        } finally {
          client.release();
        }
      }
      return { userId: id, vantage: "us-east-1" as RegionId };
    },
    async count(table, regionId = "us-east-1") {
      const { rows } = await pick(regionId).pool.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM "${table}"`,
      );
      return rows[0]?.n ?? 0;
    },
    async rows<T>(sql: string, values: unknown[] = [], regionId = "us-east-1") {
      const { rows } = await pick(regionId).pool.query(sql, values);
      return rows as T[];
    },
    async close() {
      await runtime.close();
      delete holder.meridianRuntime;
      await path.close();
      await stores.drop();
    },
  };
}

export function written<T>(outcome: WriteOutcome<T>) {
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message}`);
  return outcome;
}

export function refusedAs(outcome: WriteOutcome<unknown>): Refused {
  if (outcome.ok) throw new Error("It was written");
  return outcome;
}
