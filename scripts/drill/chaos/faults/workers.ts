import { readFileSync } from "node:fs";
import path from "node:path";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { startNodeProcess } from "@/scripts/local/node-process";
import { projectRoot } from "@/scripts/local/paths";
import { childEnvironment, planRegions, type Endpoints } from "@/scripts/local/planet-env";
import { PlanetFiles } from "@/scripts/local/planet-files";
import type { ManagedProcess } from "@/scripts/local/supervisor";

export interface WorkerOptions {
  /** Of its log. */
  name: string;
  /** Beyond what the planet's own has. */
  env?: Readonly<Record<string, string>>;
  /** Of the project whose worker it is; by default this one. */
  root?: string;
}

/** A worker of a region, in the environment that the planet's own one has. */
export function startWorker(
  planet: ChildPlanet,
  region: string,
  { name, env = {}, root = projectRoot }: WorkerOptions,
): Promise<ManagedProcess> {
  const files = new PlanetFiles(planet.dir, planet.dir);
  const { from } = JSON.parse(readFileSync(files.links, "utf8")) as {
    from: Record<string, Record<string, Endpoints>>;
  };
  const usual = childEnvironment({
    source: process.env,
    regions: planRegions({}),
    own: new Map(DEFAULT_REGIONS.map(({ id }) => [id, from[id]![id]!])),
    secrets: files.secrets(),
    linksFile: files.links,
    currentRegion: region,
    production: false,
    serverless: false,
  });
  return startNodeProcess({
    name,
    args: ["--import", "tsx", path.join(root, "scripts/worker.ts")],
    env: { ...usual, ...env },
    cwd: root,
    logFile: files.log(`${name}-${region}`),
    announcesReady: false,
  });
}

/** Runs something while the planet's own workers of these regions are killed and kept away. */
export async function withoutWorkers<T>(
  planet: ChildPlanet,
  regions: readonly string[],
  run: () => Promise<T>,
): Promise<T> {
  const act = (action: "hold" | "start") =>
    Promise.all(regions.map((id) => planet.control("POST", `/processes/worker-${id}`, { action })));
  try {
    await act("hold");
    return await run();
  } finally {
    await act("start");
  }
}
