import { readFileSync } from "node:fs";
import path from "node:path";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { startNodeProcess } from "@/scripts/local/node-process";
import { projectRoot } from "@/scripts/local/paths";
import { childEnvironment, planRegions, type Endpoints } from "@/scripts/local/planet-env";
import { PlanetFiles } from "@/scripts/local/planet-files";
import type { ManagedProcess } from "@/scripts/local/supervisor";

/** A worker beside the planet's own one of a region. */
export function startSecondWorker(planet: ChildPlanet, region: string): Promise<ManagedProcess> {
  const files = new PlanetFiles(planet.dir, planet.dir);
  const { from } = JSON.parse(readFileSync(files.links, "utf8")) as {
    from: Record<string, Record<string, Endpoints>>;
  };
  const env = childEnvironment({
    source: process.env,
    regions: planRegions({}),
    own: new Map(DEFAULT_REGIONS.map(({ id }) => [id, from[id]![id]!])),
    secrets: files.secrets(),
    linksFile: files.links,
    currentRegion: region,
    production: false,
    serverless: false,
  });
  const name = `second-worker-${region}`;
  return startNodeProcess({
    name,
    args: ["--import", "tsx", path.join(projectRoot, "scripts/worker.ts")],
    env,
    logFile: files.log(name),
    announcesReady: false,
  });
}
