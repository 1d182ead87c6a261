import { PrismaNeon } from "@prisma/adapter-neon";
import { PrismaPg } from "@prisma/adapter-pg";
import { getLogger } from "@/lib/log";
import { PrismaClient } from "@/lib/generated/prisma/client";
import type { RegionId } from "./region-id";
import type { Topology } from "./topology";

/**
 * Bounds of every pool; without them Prisma's pools wait for a connection for ever. The server's
 * statement timeout is a setting of the application's role, because poolers refuse it at start-up.
 */
const POOL = {
  max: 10,
  connectionTimeoutMillis: 2_000,
  idleTimeoutMillis: 60_000,
  query_timeout: 10_000,
  keepAlive: true,
} as const;

function createClient(url: string): PrismaClient {
  if (new URL(url).hostname.endsWith(".neon.tech")) {
    return new PrismaClient({ adapter: new PrismaNeon({ connectionString: url, ...POOL }) });
  }
  const log = getLogger("clients");
  const adapter = new PrismaPg(
    { connectionString: url, ...POOL },
    {
      onPoolError: (err) => log.warn({ err }, "idle connection lost"),
      onConnectionError: (err) => log.warn({ err }, "connection lost"),
    },
  );
  return new PrismaClient({ adapter });
}

/** Prisma clients by endpoint, opened at first use and shared by everything in a process. */
export class ClientCache {
  private readonly clients = new Map<string, PrismaClient>();

  constructor(private readonly topology: () => Topology) {}

  read(vantage: RegionId, region: RegionId): PrismaClient {
    return this.open(this.topology().endpoints(vantage, region).read);
  }

  write(vantage: RegionId, region: RegionId): PrismaClient {
    return this.open(this.topology().endpoints(vantage, region).write);
  }

  private open(url: string): PrismaClient {
    let client = this.clients.get(url);
    if (!client) this.clients.set(url, (client = createClient(url)));
    return client;
  }

  async close(): Promise<void> {
    const open = [...this.clients.values()];
    this.clients.clear();
    await Promise.all(open.map((client) => client.$disconnect()));
  }
}
