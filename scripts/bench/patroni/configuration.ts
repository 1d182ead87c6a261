import { POSTGRES_SETTINGS } from "@/scripts/local/embedded-postgres";

/** Of Patroni's loop, in seconds. */
export interface PatroniTimings {
  /** For so long a leader keeps its key in etcd without renewing it. */
  ttl: number;
  loopWait: number;
  retryTimeout: number;
}

export const DEFAULT_TIMINGS: PatroniTimings = { ttl: 30, loopWait: 10, retryTimeout: 10 };

/**
 * The least whole seconds that keep Patroni's rule, ttl ≥ loop_wait + 2 × retry_timeout. Before 3.2 that is all;
 * since then it takes no ttl below 20 and no retry_timeout below 3.
 *
 * @param version of Patroni, "3.0.2"
 */
export function fastestTimings(version: string): PatroniTimings {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const hasBounds = major > 3 || (major === 3 && minor >= 2);
  return hasBounds
    ? { ttl: 20, loopWait: 1, retryTimeout: 3 }
    : { ttl: 3, loopWait: 1, retryTimeout: 1 };
}

export const SUPERUSER = "postgres";
export const DATABASE = "postgres";

export interface PatroniNodeOptions {
  /** Of the cluster. */
  scope: string;
  name: string;
  timings: PatroniTimings;
  apiPort: number;
  postgresPort: number;
  etcdPort: number;
  /** Folder of PostgreSQL's programs. */
  binDir: string;
  dataDir: string;
  /** File in which Patroni hands passwords to PostgreSQL's programs. */
  passFile: string;
  /** Of the superuser and of replication. */
  password: string;
}

/** As asynchronous as Patroni is by default, and as durable on each disk as the planet's databases. */
export function patroniConfiguration(node: PatroniNodeOptions) {
  const { timings, password } = node;
  const api = `127.0.0.1:${node.apiPort}`;
  const postgres = `127.0.0.1:${node.postgresPort}`;
  const { shared_buffers, fsync, synchronous_commit } = POSTGRES_SETTINGS;
  return {
    scope: node.scope,
    name: node.name,
    restapi: { listen: api, connect_address: api },
    // Over etcd's v2 API. Over v3, Patroni 3.0.2 renews the leader's key without a comparison: a leader
    // that has stood still takes it back from the next one, whose writes are lost.
    etcd: { host: `127.0.0.1:${node.etcdPort}` },
    bootstrap: {
      dcs: {
        ttl: timings.ttl,
        loop_wait: timings.loopWait,
        retry_timeout: timings.retryTimeout,
        // Without it a former leader that has more than the next one stays away.
        postgresql: { use_pg_rewind: true },
      },
      initdb: [{ encoding: "UTF8" }, { locale: "C" }],
    },
    postgresql: {
      listen: postgres,
      connect_address: postgres,
      data_dir: node.dataDir,
      bin_dir: node.binDir,
      pgpass: node.passFile,
      authentication: {
        superuser: { username: SUPERUSER, password },
        replication: { username: "replicator", password },
      },
      pg_hba: [
        "host all all 127.0.0.1/32 scram-sha-256",
        "host replication replicator 127.0.0.1/32 scram-sha-256",
      ],
      parameters: {
        ...{ shared_buffers, fsync, synchronous_commit },
        password_encryption: "scram-sha-256",
        unix_socket_directories: "", // it would sit outside the project
      },
    },
    watchdog: { mode: "off" }, // the machine's own
  };
}

/** One member, which is what costs least: it shares the cores with everything it is measured beside. */
export function etcdArguments(dataDir: string, clientPort: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    ...["--name", "bench", "--data-dir", dataDir],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
    ...["--initial-cluster", `bench=${peer}`],
    "--enable-v2",
    ...["--logger", "zap", "--log-level", "warn"],
  ];
}
