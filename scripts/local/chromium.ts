import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { errorMessage, MeridianError } from "@/lib/errors";
import {
  libraryPath,
  unpackDebianPackages,
  type UnpackOptions,
} from "@/scripts/local/debian-package";
import { cacheDir } from "@/scripts/local/paths";

export class ChromiumMissingError extends MeridianError {
  constructor(reasons: readonly string[]) {
    super(
      "chromium-missing",
      `No Chromium runs here. ${reasons.join(" ")} Install one, or set CHROMIUM_PATH.`,
    );
  }
}

export interface Chromium {
  executablePath: string;
  /** For the browser's process, in addition to the environment of this one. */
  env: Record<string, string>;
  /** For people. */
  origin: string;
}

/** What every start needs: a container has no sandbox to offer, and nothing may phone home. */
export const CHROMIUM_FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--no-first-run",
] as const;

const home = path.join(cacheDir, "chromium-home");

/** It keeps a certificate store and settings in the home folder, whatever its profile is. */
const PRIVATE_HOME = {
  HOME: home,
  XDG_CONFIG_HOME: path.join(home, "config"),
  XDG_CACHE_HOME: path.join(home, "cache"),
};

const START_TIMEOUT_MS = 30_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const run = promisify(execFile);

/** Whether it really renders: a version can be printed with half of the libraries missing. */
async function renders(chromium: Chromium): Promise<true | string> {
  const parent = path.join(cacheDir, "tmp");
  await mkdir(parent, { recursive: true });
  await mkdir(home, { recursive: true });
  const profile = await mkdtemp(path.join(parent, "chromium-"));
  const page = "data:text/html,<title>t</title><script>document.title=6*7</script>";
  const flags = [...CHROMIUM_FLAGS, `--user-data-dir=${profile}`, "--dump-dom", page];
  try {
    const { stdout } = await run(chromium.executablePath, flags, {
      timeout: START_TIMEOUT_MS,
      killSignal: "SIGKILL",
      env: { ...process.env, ...chromium.env },
    });
    return stdout.includes("<title>42</title>") || "It starts and renders nothing.";
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    return (stderr || errorMessage(error)).trim().split("\n").slice(-3).join(" ");
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

/** Fontconfig reads one file and writes one folder; both are in the project. */
function fontConfiguration(root: string): string {
  const preferred = (family: string, font: string) =>
    `<alias><family>${family}</family><prefer><family>${font}</family></prefer></alias>`;
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    "<fontconfig>",
    `<dir>${root}/usr/share/fonts</dir>`,
    "<dir>/usr/share/fonts</dir>", // a font package that is installed was not fetched again
    `<cachedir>${cacheDir}/fontconfig</cachedir>`,
    preferred("sans-serif", "Liberation Sans"),
    preferred("serif", "Liberation Serif"),
    preferred("monospace", "Liberation Mono"),
    "</fontconfig>",
    "",
  ].join("\n");
}

async function unpacked(options: UnpackOptions): Promise<Chromium> {
  const root = await unpackDebianPackages("chromium", ["chromium", "fonts-liberation"], options);
  const executablePath = path.join(root, "usr/lib/chromium/chromium");
  await access(executablePath);
  const fonts = path.join(cacheDir, "fonts.conf");
  await writeFile(fonts, fontConfiguration(root));
  return {
    executablePath,
    origin: "Debian package",
    env: {
      LD_LIBRARY_PATH: await libraryPath(root),
      FONTCONFIG_FILE: fonts,
      ...PRIVATE_HOME,
    },
  };
}

async function onPath(): Promise<Chromium[]> {
  const found: Chromium[] = [];
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    for (const name of NAMES) {
      const executablePath = path.join(folder, name);
      const runs = await access(executablePath, 1).then(
        () => true,
        () => false,
      );
      if (!runs) continue;
      const origin = `${name} on PATH`;
      found.push({ executablePath, origin, env: PRIVATE_HOME });
      found.push({ executablePath, origin, env: {} }); // a snap insists on the real home
    }
  }
  return found;
}

/**
 * A Chromium that was seen rendering a page: the one CHROMIUM_PATH names (and then no other), one
 * on PATH, or a Debian package unpacked into the project's cache.
 *
 * @throws ChromiumMissingError with what went wrong with each
 */
export async function findChromium(options: UnpackOptions = {}): Promise<Chromium> {
  const given = process.env.CHROMIUM_PATH;
  if (given) {
    const chromium = { executablePath: given, origin: "CHROMIUM_PATH", env: {} };
    const outcome = await renders(chromium);
    if (outcome === true) return chromium;
    throw new ChromiumMissingError([`CHROMIUM_PATH (${given}): ${outcome}`]);
  }
  const reasons: string[] = [];
  for (const chromium of await onPath()) {
    const outcome = await renders(chromium);
    if (outcome === true) return chromium;
    reasons.push(`${chromium.executablePath}: ${outcome}`);
  }
  try {
    const chromium = await unpacked(options);
    const outcome = await renders(chromium);
    if (outcome === true) return chromium;
    reasons.push(`Debian package: ${outcome}`);
  } catch (error) {
    reasons.push(errorMessage(error));
  }
  throw new ChromiumMissingError(reasons);
}
