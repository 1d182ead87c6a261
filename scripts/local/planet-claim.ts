import { mkdir } from "node:fs/promises";
import path from "node:path";
import { MeridianError } from "@/lib/errors";
import { withFileLock } from "@/scripts/local/file-lock";
import { projectRoot } from "@/scripts/local/paths";
import type { PlanetFiles } from "@/scripts/local/planet-files";
import { sleep } from "@/scripts/local/process-tools";

const LOCK_TIMEOUT_MS = 60_000;
const STOPPING_TIMEOUT_MS = 45_000;

export class PlanetRunningError extends MeridianError {
  constructor(where: string, web: string | null, pid: number) {
    const address = web ? ` at ${web}` : "";
    super("planet-running", `A planet already runs in ${where}${address} (pid ${pid}).`);
  }
}

/**
 * One launcher per directory. One that is just stopping is waited for.
 *
 * @param onClaimed before anybody else can see it
 * @throws PlanetRunningError
 */
export async function claimPlanet(files: PlanetFiles, onClaimed: () => void): Promise<void> {
  const { stateDir } = files;
  await mkdir(stateDir, { recursive: true });
  await withFileLock(path.join(stateDir, "planet.lock"), LOCK_TIMEOUT_MS, async () => {
    const deadline = performance.now() + STOPPING_TIMEOUT_MS;
    for (let holder = files.holder(); holder; holder = files.holder()) {
      if (holder.state !== "stopping" || performance.now() > deadline) {
        const where = path.relative(projectRoot, stateDir) || ".";
        throw new PlanetRunningError(where, holder.web, holder.pid);
      }
      await sleep(100);
    }
    onClaimed();
    files.writeHolder("starting", null);
  });
}
