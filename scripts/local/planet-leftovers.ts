import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { endLeftoverPostgres } from "@/scripts/local/embedded-postgres";
import { localDir, projectRoot } from "@/scripts/local/paths";
import { PlanetFiles } from "@/scripts/local/planet-files";
import { endProcess, isAlive } from "@/scripts/local/process-tools";

const KILL = [
  { signal: "SIGTERM", waitMs: 3_000 },
  { signal: "SIGKILL", waitMs: 3_000 },
] as const;

/** Ends what a launcher that was killed left running on the data of `files`. */
export async function endLeftovers(files: PlanetFiles): Promise<void> {
  for (const { name, pid } of files.leftovers()) {
    if (name.startsWith("postgres-")) continue; // it has its own way down
    await endProcess(`The leftover ${name}`, pid, KILL);
  }
  const postgresDir = path.join(files.dataDir, "postgres");
  const clusters = await readdir(postgresDir).catch(() => []);
  await Promise.all(
    clusters.map((name) => endLeftoverPostgres({ name, dataDir: path.join(postgresDir, name) })),
  );
}

/** Ephemeral planets whose launcher was killed before it could clean up. */
export async function removeDeadEphemerals(): Promise<void> {
  await mkdir(localDir, { recursive: true });
  for (const name of await readdir(localDir)) {
    const pid = /^ephemeral-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const dir = path.join(localDir, name);
    await endLeftovers(new PlanetFiles(dir, dir));
    await rm(dir, { recursive: true, force: true });
    await rm(path.join(projectRoot, `.next-dev-${pid}`), { recursive: true, force: true });
  }
}
