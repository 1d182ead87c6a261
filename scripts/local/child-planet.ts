import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import { localDir, projectRoot } from "@/scripts/local/paths";
import type { ClusterFile, PlanetSecrets } from "@/scripts/local/planet-files";

export interface PlanetProcess {
  name: string;
  pid: number;
}

/**
 * An environment in which no database or Redis is given: what the planet starts is broken on
 * purpose, what belongs to somebody must not be. Blank, because .env fills in what is not set.
 */
function withoutStores(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = ["MERIDIAN_REGIONS", "REDIS_URL", "CURRENT_REGION", "VERCEL_REGION", "VERCEL"];
  for (const { envKey } of DEFAULT_REGIONS) {
    names.push(`REDIS_URL_${envKey}`, `PEER_PASSWORD_${envKey}`);
    for (const kind of ["READ", "WRITE", "DIRECT"]) names.push(`DB_${envKey}_${kind}`);
  }
  return { ...env, ...Object.fromEntries(names.map((name) => [name, ""])) };
}

/** A local planet of its own in a child process, with fresh data and free ports. */
export class ChildPlanet {
  private child: ChildProcess | undefined;
  /** Of cluster.json, secrets.json and the logs. Removed by `stop`. */
  readonly dir: string;

  /** @param more variables of the planet's environment */
  constructor(
    private readonly flags: readonly string[] = [],
    private readonly more: Readonly<Record<string, string>> = {},
  ) {
    mkdirSync(localDir, { recursive: true });
    this.dir = mkdtempSync(path.join(localDir, "drill-"));
  }

  /** Resolves once it runs. Rejects with what it printed if it ends before. */
  async start(): Promise<void> {
    // With the guard it ends when this process does, however that comes.
    const guard = ["--import", path.join(projectRoot, "scripts/local/child-guard.mjs")];
    const args = ["scripts/bootstrap.mjs", "dev", "--ephemeral", "--dir", this.dir, ...this.flags];
    const child = spawn(process.execPath, [...guard, ...args], {
      cwd: projectRoot,
      env: { ...withoutStores(process.env), ...this.more },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.child = child;
    let output = "";
    await new Promise<void>((resolve, reject) => {
      const onData = (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes("Meridian is running.")) resolve();
      };
      child.stdout?.on("data", onData);
      child.stderr?.on("data", onData);
      child.once("exit", (code) => reject(new Error(`The planet ended with ${code}:\n${output}`)));
    });
  }

  cluster(): ClusterFile {
    return this.read("cluster.json") as ClusterFile;
  }

  secrets(): PlanetSecrets {
    return this.read("secrets.json") as PlanetSecrets;
  }

  async processes(): Promise<PlanetProcess[]> {
    const { processes } = await this.control<{ processes: PlanetProcess[] }>("GET", "/processes");
    return processes;
  }

  /** See scripts/local/planet-control.ts. */
  async control<T>(method: "GET" | "POST", route: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.cluster().control}${route}`, {
      method,
      headers: { authorization: `Bearer ${this.secrets().controlToken}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new Error(`${method} ${route}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (child && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  private read(file: string): unknown {
    return JSON.parse(readFileSync(path.join(this.dir, file), "utf8"));
  }
}
