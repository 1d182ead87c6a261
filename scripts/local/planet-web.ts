import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { MeridianError } from "@/lib/errors";
import { startNodeProcess } from "@/scripts/local/node-process";
import { projectRoot } from "@/scripts/local/paths";
import { freePort } from "@/scripts/local/process-tools";
import type { SupervisedSpec } from "@/scripts/local/supervisor";

export class BuildError extends MeridianError {
  constructor(output: string, cause: unknown) {
    super("build", `The production build failed.\n${output}`, { cause });
  }
}

export type WebMode = "dev" | "production";

const BUILD = path.join(projectRoot, process.env.MERIDIAN_DIST_DIR ?? ".next");
const BUILD_ID = path.join(BUILD, "BUILD_ID");
/** Next.js clears the folder first, names the build before its pages are made, and writes this one in the end. */
const MADE_LAST = path.join(BUILD, "export-marker.json");
const SOURCES = ["app", "components", "lib", "public", "middleware.ts", "instrumentation.ts"];
const CONFIGURATION = ["next.config.ts", "package-lock.json", "postcss.config.mjs"];

function newestChange(file: string): number {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(file).map((name) => newestChange(path.join(file, name)));
  // Its own time too: a file that was deleted leaves nothing else behind.
  return Math.max(stat.mtimeMs, ...inside);
}

/** A build that is older than what it was made of would serve yesterday's app, and one that was interrupted none. */
export function buildIsCurrent(): boolean {
  const built = statSync(BUILD_ID, { throwIfNoEntry: false });
  if (!built || !existsSync(MADE_LAST)) return false;
  const files = [...SOURCES, ...CONFIGURATION].map((name) => path.join(projectRoot, name));
  return files.every((file) => newestChange(file) < built.mtimeMs);
}

/** @throws BuildError with the end of its output */
export function buildWeb(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  return runBuild([path.join(projectRoot, "scripts/bootstrap.mjs"), "build"], env, signal);
}

/**
 * @param args script and arguments of a Node process that builds
 * @throws BuildError with the end of its output
 */
export async function runBuild(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, args, {
      cwd: projectRoot,
      signal,
      env: { ...env, NODE_ENV: "production" },
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new BuildError(`${stdout}${stderr}`.trim().split("\n").slice(-30).join("\n"), error);
  }
}

/**
 * The first port from `preferred` on that nobody uses, on either of the addresses that
 * "localhost" stands for: a browser may try ::1 first and reach somebody else's app there.
 */
export async function freeWebPort(preferred: number, host: string): Promise<number> {
  if (preferred === 0) return freePort(0, { host });
  for (let port = preferred; ;) {
    const candidate = await freePort(port, { host });
    const isFree = await freePort(candidate, { host: "::1" }).then(
      (found) => found === candidate,
      () => true, // no IPv6 here
    );
    if (isFree) return candidate;
    port = candidate + 1;
  }
}

/**
 * Next's own settings where its folder is not the one that builds go to, so that `npm run build` works beside it: of a
 * development server, of which each ephemeral planet has another, and of a build that is profiled. Next adds that
 * folder to the tsconfig.json it is given: that is one of ours, not the project's.
 */
export function ownFolderSettings(distDir: string, tsconfig: string): Record<string, string> {
  const folder = path.dirname(tsconfig);
  mkdirSync(folder, { recursive: true });
  const toProject = path.relative(folder, projectRoot);
  const project = JSON.parse(readFileSync(path.join(projectRoot, "tsconfig.json"), "utf8")) as {
    compilerOptions: Record<string, unknown>;
    include: string[];
  };
  const content = {
    // Next resolves paths from the file that it is given, extended or not.
    compilerOptions: { ...project.compilerOptions, baseUrl: toProject },
    exclude: ["node_modules"],
    include: [
      ...project.include.map((pattern) => `${toProject}/${pattern}`),
      `${distDir}/types/**/*.ts`, // Next looks for exactly this, wherever the file is
    ],
  };
  writeFileSync(tsconfig, `${JSON.stringify(content, null, 2)}\n`);
  return {
    MERIDIAN_DIST_DIR: distDir,
    MERIDIAN_TSCONFIG: path.relative(projectRoot, tsconfig),
  };
}

export interface WebOptions {
  mode: WebMode;
  /** A process of its own for each request; of the production build. */
  serverless: boolean;
  port: number;
  host: string;
  env: NodeJS.ProcessEnv;
  logFile: string;
  onLine: (line: string) => void;
}

export function webSpec(options: WebOptions): SupervisedSpec {
  const local = (file: string) => path.join(projectRoot, "scripts/local", file);
  const address = [String(options.port), options.host];
  const server = options.serverless
    ? ["--import", "tsx", local("fresh-web.ts"), ...address]
    : ["--enable-source-maps", local("next-child.mjs"), options.mode, ...address];
  return {
    name: "web",
    restart: { killedMs: 200, crashedMs: 500, maxMs: 10_000 },
    start: () =>
      startNodeProcess({
        name: "web",
        args: server,
        env: { ...options.env, PORT: String(options.port) },
        logFile: options.logFile,
        onLine: options.onLine,
        announcesReady: true,
      }),
  };
}

/** Asks for the first page, so that it is compiled before somebody waits for it. */
export async function firstPage(url: string, timeoutMs: number): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}
