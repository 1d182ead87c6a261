import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { chromium, type Browser } from "playwright-core";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { CHROMIUM_FLAGS, findChromium } from "@/scripts/local/chromium";
import { localDir, projectRoot } from "@/scripts/local/paths";
import { isAlive } from "@/scripts/local/process-tools";
import { Databases } from "./databases";
import { SERVERLESS } from "./serverless";

/** What a run leaves for people to look at. */
export const ARTIFACTS = path.join(projectRoot, "artifacts/e2e");

/** One planet and one browser for all suites: starting them is most of the time. */
export interface World {
  planet: ChildPlanet;
  browser: Browser;
  databases: Databases;
  /** Of the app, without a slash at the end. */
  web: string;
}

let world: World | undefined;
let temporary: string | undefined;

export function theWorld(): World {
  if (!world) throw new Error("The planet has not been started.");
  return world;
}

/** Folders of runs that were killed before they could clean up. */
function removeLeftovers(): void {
  mkdirSync(localDir, { recursive: true });
  for (const name of readdirSync(localDir)) {
    const pid = /^e2e-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(path.join(localDir, name), { recursive: true, force: true });
  }
}

async function startBrowser(): Promise<Browser> {
  const found = await findChromium();
  removeLeftovers();
  temporary = path.join(localDir, `e2e-${process.pid}`);
  mkdirSync(temporary, { recursive: true });
  // Playwright puts profiles into the temporary folder, wherever that is.
  process.env.TMPDIR = temporary;
  const env = Object.fromEntries(
    Object.entries({ ...process.env, ...found.env }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  return chromium.launch({
    executablePath: found.executablePath,
    args: CHROMIUM_FLAGS.filter((flag) => flag !== "--headless"),
    env,
  });
}

/** What has been started, in case that not all of it could be. */
let planet: ChildPlanet | undefined;
let browser: Browser | undefined;

export async function startWorld(): Promise<void> {
  rmSync(ARTIFACTS, { recursive: true, force: true });
  mkdirSync(ARTIFACTS, { recursive: true });
  planet = new ChildPlanet([SERVERLESS ? "--serverless" : "--production", "--port", "0"]);
  const outcomes = await Promise.allSettled([
    planet.start(),
    startBrowser().then((started) => (browser = started)),
  ]);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  const { web, regions } = planet.cluster();
  if (!web || !browser) throw new Error("The planet serves no web.");
  world = { planet, browser, databases: new Databases(regions), web };
}

export async function stopWorld(): Promise<void> {
  await browser?.close();
  await world?.databases.close();
  if (planet) {
    keepLogs(planet);
    await planet.stop();
  }
  if (temporary) rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
}

function keepLogs(planet: ChildPlanet): void {
  const logs = path.join(planet.dir, "logs");
  if (existsSync(logs)) cpSync(logs, path.join(ARTIFACTS, "logs"), { recursive: true });
}
