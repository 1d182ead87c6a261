import { PrismaPg } from "@prisma/adapter-pg";
import { getLogger } from "@/lib/log";
import { STANDARD_CONNECTIONS } from "@/lib/policy-defaults";
import { PrismaClient } from "@/lib/generated/prisma/client";
import { driverOf, neonAdapter } from "./neon";
import type { RegionId } from "./region-id";
import type { Topology } from "./topology";
import { RegionPool, rehearseWrites } from "./region-pool";
import { StatementNames } from "./statement-names";

/**
 * Bounds of every pool; without them Prisma's pools wait for a connection for ever. The server's
 * statement timeout is a setting of the application's role, because poolers refuse it at start-up.
 */
const POOL = {
  connectionTimeoutMillis: 2_000,
  idleTimeoutMillis: 60_000,
  query_timeout: 10_000,
  keepAlive: true,
} as const;

const statementNames = new StatementNames();

/** @param writes whether rows are written by it, which its connections then rehearse */
function createClient(url: string, topology: Topology, writes: boolean): PrismaClient {
  // One that waits for an answer over 220 ms takes no other question: 10 of them are 45 writes a second.
  const { connections: max = STANDARD_CONNECTIONS, driver = null, neonProxy = null } = topology;
  if (driverOf(url, driver) === "neon") {
    const config = { connectionString: url, max, ...POOL };
    return new PrismaClient({ adapter: neonAdapter(config, neonProxy) });
  }
  const log = getLogger("clients");
  // Prisma's own flag for a pooler that gives each transaction another connection, and keeps no statements.
  const named = new URL(url).searchParams.get("pgbouncer") !== "true";
  const pool = new RegionPool({ connectionString: url, max, ...POOL });
  if (writes) rehearseWrites(pool);
  const adapter = new PrismaPg(pool, {
    disposeExternalPool: true,
    ...(named ? { statementNameGenerator: ({ sql }) => statementNames.of(sql) } : {}),
    onPoolError: (err) => log.warn({ err }, "idle connection lost"),
    onConnectionError: (err) => log.warn({ err }, "connection lost"),
  });
  return new PrismaClient({ adapter });
}

/** Prisma clients by endpoint, opened at first use and shared by everything in a process. */
export class ClientCache {
  private readonly clients = new Map<string, PrismaClient>();
  private isClosed = false;

  constructor(private readonly topology: () => Topology) {}

  read(vantage: RegionId, region: RegionId): PrismaClient {
    const { read, write } = this.topology().endpoints(vantage, region);
    return this.open(read, read === write);
  }

  write(vantage: RegionId, region: RegionId): PrismaClient {
    return this.open(this.topology().endpoints(vantage, region).write, true);
  }

  /** Throws once the cache is closed: what asks in the background then would leave a connection behind. */
  private open(url: string, writes: boolean): PrismaClient {
    if (this.isClosed) throw new Error("The connections of this process are closed.");
    let client = this.clients.get(url);
    if (!client) {
      this.clients.set(url, (client = createClient(url, this.topology(), writes)));
    }
    return client;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const open = [...this.clients.values()];
    this.clients.clear();
    await Promise.all(open.map((client) => client.$disconnect()));
  }
}
