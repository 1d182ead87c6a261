import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { startNodeProcess } from "@/scripts/local/node-process";
import { localDir, projectRoot } from "@/scripts/local/paths";
import { runBuild } from "@/scripts/local/planet-web";
import { freePort } from "@/scripts/local/process-tools";

const HOST = "127.0.0.1";
const SOURCE = "scripts/bench/bare-next";
const CLIENT = "lib/generated/prisma";
const NEXT = path.join(projectRoot, "node_modules/next/dist/bin/next");

/** Built there, so that Next.js leaves nothing among the sources and takes nothing of them. */
const dir = path.join(localDir, "bare-next");

export interface BareApp {
  origin: string;
  stop(): Promise<void>;
}

/**
 * Makes the production build of the bare app, of this project's Next.js and Prisma client.
 *
 * @throws BuildError with the end of its output
 */
export async function buildBareApp(): Promise<void> {
  await removeBareApp();
  await mkdir(dir, { recursive: true });
  await cp(path.join(projectRoot, SOURCE), dir, { recursive: true });
  await cp(path.join(projectRoot, CLIENT), path.join(dir, CLIENT), { recursive: true });
  await writeFile(path.join(dir, "tsconfig.json"), await tsconfig());
  await runBuild([NEXT, "build", dir], process.env);
}

/** Names that the sources import each other by, in the repository and in the copy. */
async function tsconfig(): Promise<string> {
  const text = await readFile(path.join(projectRoot, "tsconfig.json"), "utf8");
  const project = JSON.parse(text) as { compilerOptions: Record<string, unknown> };
  const paths = { [`@/${SOURCE}/*`]: ["./*"], "@/*": ["./*"] };
  return JSON.stringify({ ...project, compilerOptions: { ...project.compilerOptions, paths } });
}

/** Serves it as the local planet serves the application. */
export async function startBareApp(database: { url: string; schema: string }): Promise<BareApp> {
  const port = await freePort(0, { host: HOST });
  const server = path.join(projectRoot, "scripts/local/next-child.mjs");
  const { stop } = await startNodeProcess({
    name: "bare-next",
    args: ["--enable-source-maps", server, "production", String(port), HOST, dir],
    env: { ...process.env, DATABASE_URL: database.url, DATABASE_SCHEMA: database.schema },
    logFile: path.join(dir, "web.log"),
    announcesReady: true,
  });
  return { origin: `http://${HOST}:${port}`, stop };
}

export async function removeBareApp(): Promise<void> {
  await rm(dir, { recursive: true, force: true });
}
