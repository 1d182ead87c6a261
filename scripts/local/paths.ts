import path from "node:path";
import { fileURLToPath } from "node:url";

export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Data of the local planet: databases, logs, secrets. Deleting it resets the planet. */
export const localDir = path.join(projectRoot, ".local");

/** Downloaded programs. Deleting it costs another download. */
export const cacheDir = path.join(projectRoot, ".cache");
