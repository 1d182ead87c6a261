import { neonConfig } from "@neondatabase/serverless";
import { PrismaNeon } from "@prisma/adapter-neon";
import WebSocket from "ws";
import type { DatabaseDriver } from "@/lib/env";

/** What an endpoint is spoken to with. @param configured null: by its host */
export function driverOf(url: string, configured: DatabaseDriver | null): DatabaseDriver {
  return configured ?? (new URL(url).hostname.endsWith(".neon.tech") ? "neon" : "pg");
}

type PoolConfig = ConstructorParameters<typeof PrismaNeon>[0];

/**
 * Neon's adapter. It makes a pool of its own, of which nothing is known.
 *
 * @param proxy `host:port` of a proxy to databases that take no WebSockets themselves (scripts/local/ws-proxy.ts). It
 *   is of the whole process
 */
export function neonAdapter(config: PoolConfig, proxy: string | null): PrismaNeon {
  // Node.js has one of its own from 22.
  neonConfig.webSocketConstructor = WebSocket;
  if (proxy !== null) {
    neonConfig.wsProxy = (host, port) =>
      `${proxy}/?address=${encodeURIComponent(`${host}:${port}`)}`;
    neonConfig.useSecureWebSocket = false;
    // It sends the password before it is asked for one, which only Neon's proxy takes.
    neonConfig.pipelineConnect = false;
  }
  return new PrismaNeon(config);
}
