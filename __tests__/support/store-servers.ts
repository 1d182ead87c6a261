import path from "node:path";
import { GenericContainer, getContainerRuntimeClient, Wait } from "testcontainers";
import { POSTGRES_SETTINGS, startPostgres } from "@/scripts/local/embedded-postgres";
import {
  findRedisProgram,
  NO_PERSISTENCE,
  REDIS_IMAGE,
  startRedis,
} from "@/scripts/local/redis-server";

/** What serves the tests of the `pg` projects: `MERIDIAN_TEST_STORES`, by default `containers` where they can be run. */
export const STORE_KINDS = [
  /** PostgreSQL's programs from npm, and the Redis that `npm run dev` takes. */
  "embedded",
  /** Containers of PostgreSQL's and Redis's own images. */
  "containers",
] as const;

/** A server on 127.0.0.1. */
export interface StoreServer {
  /** Of a Postgres as the owner `postgres`, naming the database `postgres`. */
  url: string;
  stop(): Promise<void>;
}

export interface DatabaseOptions {
  /** Unique in its set. */
  name: string;
  /** For the files of a server that keeps them here. */
  dir: string;
  password: string;
}

export interface StoreServers {
  database(options: DatabaseOptions): Promise<StoreServer>;
  redis(dir: string): Promise<StoreServer>;
}

const POSTGRES_IMAGE = "postgres:18";
const LOCAL_HOSTS = ["localhost", "127.0.0.1"];

const EMBEDDED: StoreServers = {
  database: ({ name, dir, password }) =>
    startPostgres({
      name,
      dataDir: path.join(dir, name),
      port: 0,
      password,
      database: "postgres",
    }),
  redis: async (dir) => {
    const program = await findRedisProgram();
    if (!program) {
      throw new Error(
        "The tests need Redis: put redis-server on the PATH, or make apt-get or Docker available.",
      );
    }
    return startRedis({ program, port: 0, dir });
  },
};

/** Testcontainers' own container ends them, should this process be killed. */
async function startContainer(
  container: GenericContainer,
  port: number,
  urlAt: (host: string) => string,
): Promise<StoreServer> {
  const started = await container.withExposedPorts(port).start();
  return {
    url: urlAt(`127.0.0.1:${started.getMappedPort(port)}`),
    stop: async () => {
      await started.stop();
    },
  };
}

const CONTAINERS: StoreServers = {
  database: ({ password }) => {
    const settings = Object.entries(POSTGRES_SETTINGS).flatMap(([name, value]) => [
      "-c",
      `${name}=${value}`,
    ]);
    const container = new GenericContainer(POSTGRES_IMAGE)
      .withEnvironment({ POSTGRES_PASSWORD: password })
      .withCommand(["postgres", ...settings])
      // A server that only creates the first database says it before.
      .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2));
    return startContainer(
      container,
      5432,
      (host) => `postgres://postgres:${password}@${host}/postgres`,
    );
  },
  redis: () => {
    const container = new GenericContainer(REDIS_IMAGE)
      .withCommand(["redis-server", ...NO_PERSISTENCE])
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/));
    return startContainer(container, 6379, (host) => `redis://${host}`);
  },
};

/** An engine may answer and have no way to the images, or run on another machine than the tests' links lead to. */
async function containersRun(): Promise<boolean> {
  try {
    const { info } = await getContainerRuntimeClient();
    if (!LOCAL_HOSTS.includes(info.containerRuntime.host)) return false;
  } catch {
    return false;
  }
  try {
    await (await CONTAINERS.redis("")).stop();
    return true;
  } catch (error) {
    console.warn(
      `No container of ${REDIS_IMAGE} runs here, so stores are embedded: ${String(error)}`,
    );
    return false;
  }
}

/** Throws Error for a `MERIDIAN_TEST_STORES` that is none of STORE_KINDS. */
export async function chooseStoreServers(): Promise<StoreServers> {
  const asked = process.env.MERIDIAN_TEST_STORES ?? "";
  if (asked === "") return (await containersRun()) ? CONTAINERS : EMBEDDED;
  const known = STORE_KINDS.find((kind) => kind === asked);
  if (!known) throw new Error(`MERIDIAN_TEST_STORES is one of ${STORE_KINDS.join(", ")}.`);
  return known === "containers" ? CONTAINERS : EMBEDDED;
}
