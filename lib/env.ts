import { z } from "zod";
import { ConfigurationError } from "@/lib/errors";
import { FAILPOINTS, parseFailpoint, type FailpointSetting } from "@/lib/failpoints";
import {
  DURABILITIES,
  STANDARD_DEFAULTS,
  STANDARD_CONNECTIONS,
  STANDARD_QUORUM_HEDGE_MS,
  TOPOLOGIES,
  type PolicyDefaults,
} from "@/lib/policy-defaults";
import { parseRegionCatalogue, type RegionEntry } from "@/lib/region-catalogue";
import { parseResidencies, type Residencies } from "@/lib/residencies";
import { nearestToVercelRegion } from "@/lib/vercel-regions";

export type { RegionEntry } from "@/lib/region-catalogue";

/** Protocols that endpoints are spoken to with: PostgreSQL's own, or the same inside a WebSocket. */
export const DATABASE_DRIVERS = ["pg", "neon"] as const;
export type DatabaseDriver = (typeof DATABASE_DRIVERS)[number];

/** A region with what is needed to reach it. */
export interface RegionEnv extends RegionEntry {
  readUrl: string;
  writeUrl: string;
  /** As the owner and not through a pooler: migrations, workers, LISTEN. */
  directUrl: string;
  /** With which this region's workers log in at the others, as meridian_peer_<region>; null: as the owner. */
  peerPassword: string | null;
  /** The region's own Redis, else REDIS_URL; null is degraded mode. */
  redisUrl: string | null;
}

export interface Env {
  nodeEnv: "development" | "test" | "production";
  regions: readonly RegionEnv[];
  /** The region this process runs in. */
  currentRegion: string;
  redisUrl: string | null;
  authSecret: string;
  replicationSecret: string;
  /** Whoever shows it may read `/api/metrics`; null: administrators alone. A secret. */
  metricsToken: string | null;
  /** Makes digests of addresses that are kept in some regions; null: none can be. A secret. */
  addressKey: string | null;
  /** File that says how each region reaches the others; written by the local planet only. */
  linksPath: string | null;
  onVercel: boolean;
  /** Started by `npm run dev`: the "view from" switch and the demo accounts exist. */
  localPlanet: boolean;
  /** Where the local planet takes orders for faults; its web process alone knows. */
  control: PlanetControlAccess | null;
  /** How long settled conflicts are kept. Open ones stay. */
  conflictRetentionDays: number;
  /** Times of the control plane in ms; whether they are safe together is checked where they are used. */
  failover: FailoverTimes;
  /** What holds for entities whose policy does not say otherwise. */
  defaults: PolicyDefaults;
  /** How much longer than its round trip a region may take before a leaderless read asks another one. */
  quorumHedgeMs: number;
  residencies: Residencies;
  /** To one endpoint, at most. */
  connections: number;
  /** Null: Neon's for hosts of Neon, PostgreSQL's own for others. */
  driver: DatabaseDriver | null;
  /** Where WebSockets to databases are opened that take none themselves; null: at Neon. */
  neonProxy: string | null;
  /** No workers run: requests and cron jobs do their part. By default on Vercel. */
  serverless: boolean;
  /** Whoever shows it may run a tick; null: nobody. A secret. */
  cronSecret: string | null;
  /** Collector of OpenTelemetry that takes traces; null: none are made. */
  telemetryUrl: string | null;
  /** Where a worker of the local planet dies; null: nowhere. */
  failpoint: FailpointSetting | null;
}

export interface PlanetControlAccess {
  url: string;
  /** A secret. */
  token: string;
}

export interface FailoverTimes {
  leaseMs: number;
  marginMs: number;
  renewMs: number;
  probeMs: number;
  probeTimeoutMs: number;
  suspectMs: number;
  staggerMs: number;
  coolDownMs: number;
  maxBehindMs: number;
  automatic: boolean;
}

export type EnvSource = Readonly<Record<string, string | undefined>>;

const SECRET_CHARACTERS = 32;

/** Only ever used outside production, so that one process can be started by hand. */
const DEVELOPMENT_SECRET = "development-only-secret-do-not-deploy-this";

function url(protocols: readonly string[], expected: string) {
  return z.string(expected).refine((value) => {
    if (!URL.canParse(value)) return false;
    const parsed = new URL(value);
    return protocols.includes(parsed.protocol) && parsed.hostname !== "";
  }, expected);
}

const postgresUrl = url(["postgres:", "postgresql:"], "a postgresql:// URL").refine(
  (value) => URL.canParse(value) && new URL(value).pathname.length > 1,
  "a postgresql:// URL that ends with a database name",
);
const redisUrl = url(["redis:", "rediss:"], "a redis:// or rediss:// URL");
const secretText = `a secret of at least ${SECRET_CHARACTERS} characters`;
const secret = z.string(secretText).min(SECRET_CHARACTERS, secretText);

/** A value that is empty or blank is one that is not set: `.env` files are full of them. */
function withoutBlanks(source: EnvSource): Record<string, string> {
  const set = Object.entries(source).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1].trim() !== "",
  );
  return Object.fromEntries(set.map(([name, value]) => [name, value.trim()]));
}

/** Sentences that name each variable and what was expected, never the value: it may be secret. */
function toConfigurationError(error: z.ZodError, source: EnvSource): ConfigurationError {
  const sentences = new Map<string, string>();
  for (const issue of error.issues) {
    const name = String(issue.path[0]);
    if (sentences.has(name)) continue;
    const state = source[name] === undefined ? "missing" : "invalid";
    sentences.set(name, `${name} is ${state}: expected ${issue.message}.`);
  }
  return new ConfigurationError([...sentences.values()].join("\n"), {
    variables: [...sentences.keys()],
  });
}

function parseShape<S extends z.ZodRawShape>(shape: S, source: Record<string, string>) {
  const parsed = z.object(shape).safeParse(source);
  if (!parsed.success) throw toConfigurationError(parsed.error, source);
  return parsed.data;
}

function regionShape(
  entries: readonly RegionEntry[],
): Record<string, z.ZodType<string | undefined>> {
  const shape: Record<string, z.ZodType<string | undefined>> = { REDIS_URL: redisUrl.optional() };
  for (const { envKey } of entries) {
    shape[`DB_${envKey}_READ`] = postgresUrl;
    shape[`DB_${envKey}_WRITE`] = postgresUrl;
    shape[`DB_${envKey}_DIRECT`] = postgresUrl.optional();
    shape[`PEER_PASSWORD_${envKey}`] = secret.optional();
    shape[`REDIS_URL_${envKey}`] = redisUrl.optional();
  }
  return shape;
}

type Values = Record<string, string | undefined>;

function buildRegions(entries: readonly RegionEntry[], values: Values): RegionEnv[] {
  return entries.map((entry) => {
    const writeUrl = values[`DB_${entry.envKey}_WRITE`] ?? "";
    return {
      ...entry,
      readUrl: values[`DB_${entry.envKey}_READ`] ?? "",
      writeUrl,
      directUrl: values[`DB_${entry.envKey}_DIRECT`] ?? writeUrl,
      peerPassword: values[`PEER_PASSWORD_${entry.envKey}`] ?? null,
      redisUrl: values[`REDIS_URL_${entry.envKey}`] ?? values.REDIS_URL ?? null,
    };
  });
}

/** Regions and endpoints alone: what the database scripts need, without the secrets. */
export function parseRegions(source: EnvSource): readonly RegionEnv[] {
  const set = withoutBlanks(source);
  const entries = parseRegionCatalogue(set.MERIDIAN_REGIONS);
  return buildRegions(entries, parseShape(regionShape(entries), set) as Values);
}

function refuse(name: string, state: "missing" | "invalid", expected: string): never {
  throw new ConfigurationError(`${name} is ${state}: expected ${expected}.`, { variables: [name] });
}

function resolveCurrentRegion(set: Values, entries: readonly RegionEntry[]): string {
  const ids = entries.map((entry) => entry.id);
  const oneOf = `one of ${ids.join(", ")}`;
  if (set.CURRENT_REGION) {
    if (!ids.includes(set.CURRENT_REGION)) refuse("CURRENT_REGION", "invalid", oneOf);
    return set.CURRENT_REGION;
  }
  // "dev1" is what `vercel dev` sets on a developer's machine.
  if (set.VERCEL_REGION && set.VERCEL_REGION !== "dev1") {
    const nearest = nearestToVercelRegion(set.VERCEL_REGION, entries);
    return nearest?.id ?? refuse("VERCEL_REGION", "invalid", "a Vercel region with a known place");
  }
  const primary = entries.find((entry) => entry.isPrimary);
  if (primary && (ids.length === 1 || set.NODE_ENV !== "production")) return primary.id;
  return refuse("CURRENT_REGION", "missing", oneOf);
}

const flag = z.enum(["0", "1", "true", "false"], "1, 0, true or false").optional();

const failpointExpected = `a failpoint, alone or with ":" and the number of the passing: ${FAILPOINTS.join(", ")}`;
const failpoint = z
  .string()
  .refine((text) => parseFailpoint(text) !== null, failpointExpected)
  .transform(parseFailpoint)
  .default(null);

const DEFAULT_RETENTION_DAYS = "90";
const days = z
  .string()
  .regex(/^[1-9][0-9]{0,4}$/, "a number of days from 1 to 99999")
  .default(DEFAULT_RETENTION_DAYS);

const ms = (fallback: number) =>
  z
    .string()
    .regex(/^[0-9]{1,7}$/, "a number of milliseconds")
    .transform(Number)
    .default(fallback);

const connections = z
  .string()
  .regex(/^[1-9][0-9]?$/, "a number of connections from 1 to 99")
  .transform(Number)
  .default(STANDARD_CONNECTIONS);

const failoverShape = {
  FAILOVER_LEASE_MS: ms(1_000),
  FAILOVER_MARGIN_MS: ms(300),
  FAILOVER_RENEW_MS: ms(250),
  FAILOVER_PROBE_MS: ms(200),
  FAILOVER_PROBE_TIMEOUT_MS: ms(800),
  FAILOVER_SUSPECT_MS: ms(600),
  FAILOVER_STAGGER_MS: ms(600),
  FAILOVER_COOL_DOWN_MS: ms(2_000),
  FAILOVER_MAX_BEHIND_MS: ms(10_000),
  FAILOVER_AUTOMATIC: flag,
};

const oneOf = (values: readonly string[]) =>
  `${values.slice(0, -1).join(", ")} or ${values.at(-1) ?? ""}`;

const defaultsShape = {
  DEFAULT_TOPOLOGY: z.enum(TOPOLOGIES, oneOf(TOPOLOGIES)).default(STANDARD_DEFAULTS.topology),
  DEFAULT_DURABILITY: z
    .enum(DURABILITIES, oneOf(DURABILITIES))
    .default(STANDARD_DEFAULTS.durability),
};

/** What a database script needs to declare the entities as the application does. */
export function parsePolicyDefaults(source: EnvSource): PolicyDefaults {
  const values = parseShape(defaultsShape, withoutBlanks(source));
  return { topology: values.DEFAULT_TOPOLOGY, durability: values.DEFAULT_DURABILITY };
}

const isOn = (value: string | undefined) => value === "1" || value === "true";

/** Times of the control plane alone: what a command needs that knows its databases otherwise. */
export function parseFailoverTimes(source: EnvSource): FailoverTimes {
  return buildFailover(parseShape(failoverShape, withoutBlanks(source)));
}

function buildFailover(values: z.output<z.ZodObject<typeof failoverShape>>): FailoverTimes {
  return {
    leaseMs: values.FAILOVER_LEASE_MS,
    marginMs: values.FAILOVER_MARGIN_MS,
    renewMs: values.FAILOVER_RENEW_MS,
    probeMs: values.FAILOVER_PROBE_MS,
    probeTimeoutMs: values.FAILOVER_PROBE_TIMEOUT_MS,
    suspectMs: values.FAILOVER_SUSPECT_MS,
    staggerMs: values.FAILOVER_STAGGER_MS,
    coolDownMs: values.FAILOVER_COOL_DOWN_MS,
    maxBehindMs: values.FAILOVER_MAX_BEHIND_MS,
    automatic: values.FAILOVER_AUTOMATIC === undefined || isOn(values.FAILOVER_AUTOMATIC),
  };
}

function controlOf(address?: string, token?: string): PlanetControlAccess | null {
  return address !== undefined && token !== undefined ? { url: address, token } : null;
}

/** Pure: the whole configuration of a process from its environment. Throws ConfigurationError. */
export function parseEnv(source: EnvSource): Env {
  const set = withoutBlanks(source);
  const entries = parseRegionCatalogue(set.MERIDIAN_REGIONS);
  const production = set.NODE_ENV === "production";
  const requiredSecret = production ? secret : secret.default(DEVELOPMENT_SECRET);
  const values = parseShape(
    {
      ...regionShape(entries),
      NODE_ENV: z
        .enum(["development", "test", "production"], "development, test or production")
        .default("development"),
      AUTH_SECRET: requiredSecret,
      REPLICATION_SECRET: requiredSecret,
      METRICS_TOKEN: secret.optional(),
      ADDRESS_KEY: secret.optional(),
      CRON_SECRET: secret.optional(),
      SERVERLESS: flag,
      OTEL_EXPORTER_OTLP_ENDPOINT: url(["http:", "https:"], "an http(s):// URL").optional(),
      MERIDIAN_LINKS: z.string().optional(),
      MERIDIAN_LOCAL_PLANET: flag,
      MERIDIAN_CONTROL: url(["http:"], "an http:// URL").optional(),
      MERIDIAN_CONTROL_TOKEN: secret.optional(),
      FAILPOINT: failpoint,
      VERCEL: z.string().optional(),
      CONFLICT_RETENTION_DAYS: days,
      QUORUM_HEDGE_MS: ms(STANDARD_QUORUM_HEDGE_MS),
      DB_CONNECTIONS: connections,
      DB_DRIVER: z.enum(DATABASE_DRIVERS, "pg or neon").optional(),
      NEON_WS_PROXY: z
        .string()
        .regex(/^[a-z0-9.-]+:[1-9][0-9]{0,4}$/i, "the host and port of a proxy")
        .optional(),
      ...defaultsShape,
      ...failoverShape,
    },
    set,
  );
  const localPlanet = values.VERCEL === undefined && isOn(values.MERIDIAN_LOCAL_PLANET);
  // One that was left behind by a drill must not wait for its moment.
  if (values.FAILPOINT && !localPlanet) refuse("FAILPOINT", "invalid", "none off a local planet");
  return {
    nodeEnv: values.NODE_ENV,
    regions: buildRegions(entries, set),
    currentRegion: resolveCurrentRegion(set, entries),
    redisUrl: set.REDIS_URL ?? null,
    authSecret: values.AUTH_SECRET,
    replicationSecret: values.REPLICATION_SECRET,
    metricsToken: values.METRICS_TOKEN ?? null,
    addressKey: values.ADDRESS_KEY ?? null,
    linksPath: values.MERIDIAN_LINKS ?? null,
    onVercel: values.VERCEL !== undefined,
    localPlanet,
    control: localPlanet ? controlOf(values.MERIDIAN_CONTROL, values.MERIDIAN_CONTROL_TOKEN) : null,
    defaults: { topology: values.DEFAULT_TOPOLOGY, durability: values.DEFAULT_DURABILITY },
    quorumHedgeMs: values.QUORUM_HEDGE_MS,
    residencies: parseResidencies(
      set.RESIDENCIES,
      entries.map(({ id }) => id),
    ),
    connections: values.DB_CONNECTIONS,
    driver: values.DB_DRIVER ?? null,
    neonProxy: values.NEON_WS_PROXY ?? null,
    serverless:
      values.SERVERLESS === undefined ? values.VERCEL !== undefined : isOn(values.SERVERLESS),
    cronSecret: values.CRON_SECRET ?? null,
    telemetryUrl: values.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    failpoint: values.FAILPOINT,
    conflictRetentionDays: Number(values.CONFLICT_RETENTION_DAYS),
    failover: buildFailover(values),
  };
}

let cached: Env | undefined;

/** The environment of this process, parsed at first use; importing this module reads nothing. */
export function getEnv(): Env {
  cached ??= parseEnv(process.env);
  return cached;
}
