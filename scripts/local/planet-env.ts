import { createHmac } from "node:crypto";
import type { EnvSource } from "@/lib/env";
import { parseRegionCatalogue, type RegionEntry } from "@/lib/region-catalogue";
import { asPeer } from "@/lib/db/regions/peer-role";
import { ConfigurationError } from "@/lib/errors";
import type { PlanetSecrets } from "@/scripts/local/planet-files";
import type { RegionLink } from "@/scripts/local/planet-links";
import type { PeerPasswords } from "@/scripts/migrate-runner";

export const OWNER_ROLE = "postgres";
export const APP_ROLE = "meridian_app";
const DATABASE = "meridian";

export interface Endpoints {
  read: string;
  write: string;
  direct: string;
  peer: string;
  redis: string | null;
}

export interface PlanetRegion {
  entry: RegionEntry;
  /** A database given in the environment; null means that the planet starts one. */
  external: Omit<Endpoints, "peer" | "redis"> | null;
  /** Of roles in a database that was given: by the region whose workers log in there. */
  peerPasswords: PeerPasswords;
  /** A Redis of its own that the environment gives it. */
  externalRedis: string | null;
}

/**
 * Which databases are given and which have to be started. Pure.
 *
 * @throws ConfigurationError when a region has a read or direct endpoint and none to write to
 */
export function planRegions(source: EnvSource): PlanetRegion[] {
  const value = (name: string) => source[name]?.trim() || undefined;
  const entries = parseRegionCatalogue(value("MERIDIAN_REGIONS"));
  const peerPasswords = Object.fromEntries(
    entries.flatMap(({ id, envKey }) => {
      const password = value(`PEER_PASSWORD_${envKey}`);
      return password === undefined ? [] : [[id, password]];
    }),
  );
  return entries.map((entry) => {
    const name = (kind: string) => `DB_${entry.envKey}_${kind}`;
    const write = value(name("WRITE"));
    const read = value(name("READ"));
    const direct = value(name("DIRECT"));
    const externalRedis = value(`REDIS_URL_${entry.envKey}`) ?? null;
    if (write !== undefined) {
      const external = { write, read: read ?? write, direct: direct ?? write };
      return { entry, external, peerPasswords, externalRedis };
    }
    if (read !== undefined || direct !== undefined) {
      throw new ConfigurationError(
        `${name("WRITE")} is missing: expected a postgresql:// URL, as ${name(read ? "READ" : "DIRECT")} is given.`,
        { variables: [name("WRITE")] },
      );
    }
    return { entry, external: null, peerPasswords, externalRedis };
  });
}

export function isLoopback(url: string): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
}

/** Connection string of one of the planet's own databases. */
export function databaseUrl(
  role: typeof OWNER_ROLE | typeof APP_ROLE,
  password: string,
  port: number,
): string {
  return `postgresql://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/${DATABASE}`;
}

/** With which the workers of a region log in at the planet's own databases of the others. */
function peerPassword({ peerSecret }: PlanetSecrets, reader: string): string {
  return createHmac("sha256", peerSecret).update(reader).digest("base64url");
}

/** Of the roles in a region's database, by the region whose workers log in there. */
export function peerPasswords(
  region: PlanetRegion,
  all: readonly PlanetRegion[],
  secrets: PlanetSecrets,
): PeerPasswords {
  if (region.external) return region.peerPasswords;
  return Object.fromEntries(all.map(({ entry: { id } }) => [id, peerPassword(secrets, id)]));
}

/** How code in `link.from` reaches `link.to`. Pure. */
export function endpointsOf(
  link: RegionLink,
  region: PlanetRegion,
  secrets: PlanetSecrets,
  sharedRedis: string | null,
): Endpoints {
  const linked = link.redis ? `redis://127.0.0.1:${link.redis.port}` : sharedRedis;
  const redis = region.externalRedis ?? linked;
  const { from, to } = link;
  if (region.external) {
    const { direct } = region.external;
    const peer = from === to ? direct : asPeer(direct, from, region.peerPasswords[from] ?? null);
    return { ...region.external, peer, redis };
  }
  const port = link.postgres?.port;
  if (port === undefined) throw new Error(`Link ${link.from} to ${link.to} has no proxy.`);
  const write = databaseUrl(APP_ROLE, secrets.appPassword, port);
  const direct = databaseUrl(OWNER_ROLE, secrets.ownerPassword, port);
  const peer = from === to ? direct : asPeer(direct, from, peerPassword(secrets, from));
  return { read: write, write, direct, peer, redis };
}

export interface ChildEnvironmentOptions {
  source: EnvSource;
  regions: readonly PlanetRegion[];
  /** Each region's endpoints as seen from itself. */
  own: ReadonlyMap<string, Endpoints>;
  secrets: PlanetSecrets;
  linksFile: string;
  currentRegion: string;
  production: boolean;
  /** No workers run. */
  serverless: boolean;
}

/** Environment of a worker or of the web process. What the user gave wins over what we make. */
export function childEnvironment(options: ChildEnvironmentOptions): NodeJS.ProcessEnv {
  const { source, secrets, own } = options;
  const env: Record<string, string | undefined> = {
    ...source,
    AUTH_SECRET: source.AUTH_SECRET || secrets.authSecret,
    REPLICATION_SECRET: source.REPLICATION_SECRET || secrets.replicationSecret,
    ADDRESS_KEY: source.ADDRESS_KEY || secrets.addressKey,
    CRON_SECRET: source.CRON_SECRET || secrets.cronSecret,
    SERVERLESS: options.serverless ? "1" : "0",
    MERIDIAN_LINKS: options.linksFile,
    MERIDIAN_LOCAL_PLANET: "1",
    CURRENT_REGION: options.currentRegion,
    NODE_ENV: options.production ? "production" : "development",
    NEXT_TELEMETRY_DISABLED: "1",
  };
  for (const { entry } of options.regions) {
    const endpoints = own.get(entry.id);
    if (!endpoints) continue;
    env[`DB_${entry.envKey}_READ`] = endpoints.read;
    env[`DB_${entry.envKey}_WRITE`] = endpoints.write;
    env[`DB_${entry.envKey}_DIRECT`] = endpoints.direct;
  }
  // Of another planet, where this one is started from within.
  delete env.MERIDIAN_CONTROL;
  delete env.MERIDIAN_CONTROL_TOKEN;
  const redis = own.get(options.currentRegion)?.redis;
  if (redis) env.REDIS_URL = redis;
  else delete env.REDIS_URL;
  return env as NodeJS.ProcessEnv;
}
