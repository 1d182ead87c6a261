// Generates the Prisma client into lib/generated, unless the one there was made from the same
// schema by the same Prisma. Plain JavaScript: it runs before any TypeScript can be loaded.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

const schemaPath = path.join(root, "prisma/schema.prisma");
const outputDir = path.join(root, "lib/generated");
const clientPath = path.join(outputDir, "prisma/client.ts");
const stampPath = path.join(outputDir, ".stamp");
const lockPath = path.join(outputDir, ".lock");

const LOCK_WAIT_MS = 60_000;

function installedVersion(name) {
  const manifest = path.join(root, "node_modules", name, "package.json");
  if (!existsSync(manifest)) {
    throw new Error("The dependencies are not installed: run `npm ci` first.");
  }
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}

function wantedStamp() {
  const hash = createHash("sha256").update(readFileSync(schemaPath));
  for (const name of ["prisma", "@prisma/client"]) hash.update(`${name}@${installedVersion(name)}`);
  return hash.digest("hex");
}

function isCurrent(stamp) {
  return (
    existsSync(clientPath) && existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp
  );
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** One generator at a time: several workers may be started together on a fresh clone. */
async function withLock(run) {
  mkdirSync(outputDir, { recursive: true });
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      writeFileSync(lockPath, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = readHolder();
    if (holder !== undefined && !isAlive(holder)) rmSync(lockPath, { force: true });
    else if (Date.now() > deadline) {
      throw new Error(`Another process (${holder}) is still generating; remove ${lockPath}.`);
    } else await sleep(50);
  }
  try {
    return await run();
  } finally {
    rmSync(lockPath, { force: true });
  }
}

function readHolder() {
  try {
    const pid = Number(readFileSync(lockPath, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function generate() {
  const cli = path.join(root, "node_modules/prisma/build/index.js");
  const result = spawnSync(process.execPath, [cli, "generate"], {
    cwd: root,
    encoding: "utf8",
    env: {
      ...process.env,
      // `generate` never runs the schema engine, it only wants the file to exist; naming one that
      // does saves a download from a host that may be out of reach.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: "1",
      CHECKPOINT_DISABLE: "1",
      // Its notes about commands that were run would go to the user's home.
      XDG_CONFIG_HOME: path.join(root, ".cache/config"),
    },
  });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw new Error(`prisma generate failed:\n${result.stdout}${result.stderr}`);
  }
}

/** Returns whether anything had to be generated. */
export async function ensureGenerated({ force = false } = {}) {
  const stamp = wantedStamp();
  if (!force && isCurrent(stamp)) return false;
  return withLock(() => {
    if (!force && isCurrent(stamp)) return false;
    rmSync(stampPath, { force: true });
    generate();
    writeFileSync(stampPath, stamp);
    return true;
  });
}
