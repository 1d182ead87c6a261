import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseEnv as parseEnvFile } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseEnv, type EnvSource } from "@/lib/env";
import { topologyFromEnv } from "@/lib/db/regions/topology";
import { projectRoot } from "@/scripts/local/paths";

interface Service {
  image?: string;
  build?: { context: string; target: string };
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  healthcheck?: object;
  restart?: string;
  depends_on?: Record<string, { condition: string }>;
}

const read = (name: string) => readFileSync(path.join(projectRoot, name), "utf8");

const compose = parse(read("docker-compose.yml"), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const services = Object.entries(compose.services);

let folder: string;
const secrets = (...more: string[]) =>
  execFileSync(process.execPath, ["scripts/compose-secrets.mjs", folder, ...more], {
    cwd: projectRoot,
    encoding: "utf8",
  });
const envFileOf = (words: readonly string[]) => {
  const file = /^--env-file=\/run\/meridian\/([\w-]+\.env)$/;
  return words.flatMap((word) => file.exec(word)?.[1] ?? []).join();
};

/** What a service's process finds in its environment. */
const environmentOf = ({ entrypoint = [], command = [], environment }: Service): EnvSource => ({
  NODE_ENV: "production",
  ...parseEnvFile(readFileSync(path.join(folder, envFileOf([...entrypoint, ...command])), "utf8")),
  ...Object.fromEntries(
    Object.entries(environment ?? {}).map(([name, value]) => [
      name,
      value.replace(/^\$\{\w+:-(.*)\}$/, "$1"),
    ]),
  ),
});

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "compose-"));
  secrets();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("docker-compose.yml", () => {
  it("waits for services that there are, in the way that they can be waited for", () => {
    for (const [name, { depends_on = {} }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const awaited = compose.services[other];
        expect(awaited, `${other}, which ${name} needs`).toBeDefined();
        if (condition === "service_healthy") expect(awaited?.healthcheck).toBeDefined();
        else
          expect([condition, awaited?.restart]).toEqual([
            "service_completed_successfully",
            undefined,
          ]);
      }
    }
  });

  it("publishes nothing but to this machine, and mounts volumes that there are", () => {
    for (const [name, { ports = [], volumes = [] }] of services) {
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
      for (const volume of volumes) {
        expect(Object.keys(compose.volumes), name).toContain(volume.split(":")[0]);
      }
    }
  });

  it("runs commands that there are, in stages of the image that there are", () => {
    const dockerfile = read("Dockerfile");
    let usage = "";
    try {
      execFileSync(process.execPath, ["scripts/bootstrap.mjs"], {
        cwd: projectRoot,
        stdio: "pipe",
      });
    } catch (error) {
      usage = String((error as { stderr: Buffer }).stderr);
    }
    for (const [name, { build, entrypoint, command }] of services) {
      if (!build) continue;
      expect(dockerfile, name).toMatch(new RegExp(`^FROM \\w+ AS ${build.target}$`, "m"));
      // The image's own where a service names none.
      if ((entrypoint?.at(-1) ?? "scripts/bootstrap.mjs") !== "scripts/bootstrap.mjs") continue;
      if (build.target !== "tools") continue;
      expect(usage.match(/[\w-]+/g), name).toContain(command?.[0]);
    }
  });

  it("gives each process an environment that it starts with, and that leads to its services", () => {
    const started = services.filter(([, { environment }]) => environment?.CURRENT_REGION);
    expect(started).toHaveLength(4);
    for (const [, service] of started) {
      const env = parseEnv(environmentOf(service));
      for (const region of env.regions) {
        for (const url of [region.readUrl, region.writeUrl, region.directUrl]) {
          const { hostname, username, pathname } = new URL(url);
          const database = compose.services[hostname];
          expect(database?.image).toMatch(/^postgres:/);
          expect(pathname).toBe(`/${database?.environment?.POSTGRES_DB}`);
          expect(["meridian_app", database?.environment?.POSTGRES_USER]).toContain(username);
        }
        expect(new URL(region.redisUrl ?? "").hostname).toBe("redis");
      }
    }
    const workers = started.filter(([, { command }]) => command?.[0] === "worker");
    const env = parseEnv(environmentOf(compose.services.web!));
    expect(workers.map(([, { environment }]) => environment?.CURRENT_REGION).sort()).toEqual(
      env.regions.map(({ id }) => id).sort(),
    );
  });

  it("gives each process the passwords that it needs, and no others", () => {
    const namesOf = (service: Service) =>
      Object.keys(environmentOf(service))
        .filter((name) => /_DIRECT$|^PEER_PASSWORD|^SEED/.test(name))
        .sort();
    for (const [name, key] of [
      ["us-east", "US_EAST"],
      ["eu-west", "EU_WEST"],
      ["ap-southeast", "AP_SOUTHEAST"],
    ] as const) {
      const worker = compose.services[`worker-${name}`]!;
      expect(namesOf(worker)).toEqual([`DB_${key}_DIRECT`, `PEER_PASSWORD_${key}`]);
      const env = parseEnv(environmentOf(worker));
      const topology = topologyFromEnv(env);
      for (const { id } of topology.regions) {
        const { username, hostname } = new URL(topology.endpoints(topology.currentRegion, id).peer);
        expect(username).toBe(
          id === env.currentRegion ? "meridian_owner" : `meridian_peer_${env.currentRegion}`,
        );
        expect(compose.services[hostname]?.image).toMatch(/^postgres:/);
      }
    }
    expect(namesOf(compose.services.web!)).toEqual([]);
    expect(namesOf(compose.services.migrate!)).toHaveLength(7);
  });

  it("has a proxy in front of its databases, and of nothing else, for Neon's driver", () => {
    const { command = [], ports = [] } = compose.services["ws-proxy"]!;
    const env = parseEnv(environmentOf(compose.services.web!));
    const [host, port] = env.neonProxy?.split(":") ?? [];
    expect(host).toBe("ws-proxy");
    expect(command).toContain(`--port=${port}`);
    const reached = env.regions.map(({ writeUrl }) => new URL(writeUrl));
    expect(command.slice(command.indexOf("--allow") + 1)).toEqual(
      reached.map(({ hostname, port }) => `${hostname}:${port || "5432"}`),
    );
    expect(ports).toEqual([]);
    expect(env.driver).toBe("pg");
  });

  it("keeps its secrets, and tells this machine how to reach what it publishes", () => {
    const before = environmentOf(compose.services.web!);
    const onHost = parseEnv({ ...parseEnvFile(secrets("host")), CURRENT_REGION: "us-east-1" });
    expect(environmentOf(compose.services.web!)).toEqual(before);
    const published = services.flatMap(([, { ports = [] }]) =>
      ports.map((port) => port.split(":")[1]),
    );
    for (const { directUrl, redisUrl } of onHost.regions) {
      for (const url of [directUrl, redisUrl ?? ""]) {
        expect(new URL(url).hostname).toBe("127.0.0.1");
        expect(published).toContain(new URL(url).port);
      }
    }
    expect(onHost.authSecret).toBe(before.AUTH_SECRET);
    expect(onHost.addressKey).toBe(before.ADDRESS_KEY);
    expect(onHost.addressKey).not.toBeNull();
  });
});

it("runs what is in the image as a user without rights", () => {
  for (const stage of read("Dockerfile")
    .split(/^FROM /m)
    .slice(1)) {
    if (!/^\w+ AS (web|tools)$/m.test(stage)) continue;
    expect(stage).toMatch(/^USER node$/m);
  }
});
