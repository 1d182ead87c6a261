import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { parseRegions, type EnvSource, type RegionEnv } from "@/lib/env";
import { ConfigurationError } from "@/lib/errors";
import { parseRegionCatalogue } from "@/lib/region-catalogue";
import { localDir } from "@/scripts/local/paths";
import type { MigratableRegion, PeerPasswords } from "@/scripts/migrate-runner";

const clusterSchema = z.object({
  regions: z
    .array(
      z.object({
        id: z.string(),
        directUrl: z.string(),
        peerPasswords: z.record(z.string(), z.string()).optional(),
      }),
    )
    .min(1),
});

const APP_ROLE = "meridian_app";

/** The password that the application's connection string carries, if it is that of our role. */
function appPasswordOf(writeUrl: string): string | undefined {
  const { username, password } = new URL(writeUrl);
  if (decodeURIComponent(username) !== APP_ROLE || password === "") return undefined;
  return decodeURIComponent(password);
}

export function peerPasswordsOf(regions: readonly RegionEnv[]): PeerPasswords {
  return Object.fromEntries(
    regions.flatMap(({ id, peerPassword }) => (peerPassword === null ? [] : [[id, peerPassword]])),
  );
}

function fromLocalPlanet(file: string, source: EnvSource): MigratableRegion[] {
  const cluster = clusterSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const catalogue = parseRegionCatalogue(source.MERIDIAN_REGIONS);
  return cluster.regions.map(({ id, directUrl, peerPasswords }) => {
    const entry = catalogue.find((candidate) => candidate.id === id);
    if (!entry) throw new ConfigurationError(`${file} names the region "${id}", which is unknown.`);
    return { id, directUrl, peerPasswords, isPrimary: entry.isPrimary };
  });
}

/**
 * The databases that a script works on: those of the environment, or without any DB_ variable those
 * of the local planet that is running.
 */
export function databaseTargets(
  source: EnvSource = process.env,
  clusterFile: string = path.join(localDir, "cluster.json"),
): MigratableRegion[] {
  const configured = Object.keys(source).some((name) => /^DB_.+_(READ|WRITE|DIRECT)$/.test(name));
  if (!configured && existsSync(clusterFile)) return fromLocalPlanet(clusterFile, source);
  const configuredRegions = parseRegions(source);
  const passwords = peerPasswordsOf(configuredRegions);
  return configuredRegions.map((region) => ({
    id: region.id,
    directUrl: region.directUrl,
    isPrimary: region.isPrimary,
    appPassword: appPasswordOf(region.writeUrl),
    peerPasswords: passwords,
  }));
}
