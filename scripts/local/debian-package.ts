import { execFile } from "node:child_process";
import { access, mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { MeridianError } from "@/lib/errors";
import { withFileLock } from "@/scripts/local/file-lock";
import { cacheDir } from "@/scripts/local/paths";

export class AptMissingError extends MeridianError {
  constructor(missing: string) {
    super("apt-missing", `This machine has no ${missing}: Debian packages cannot be fetched.`);
  }
}

export class DebianPackageError extends MeridianError {
  constructor(packages: readonly string[], output: string, cause: unknown) {
    super("debian-package", `Could not fetch ${packages.join(", ")}: ${output}`, {
      data: { packages },
      cause,
    });
  }
}

const LOCK_TIMEOUT_MS = 10 * 60_000; // a browser is a large download on a slow line
const LISTS_MAX_AGE_MS = 12 * 60 * 60_000;
const aptDir = path.join(cacheDir, "apt");
const debianDir = path.join(cacheDir, "debian");
const run = promisify(execFile);

/**
 * apt with everything it writes moved into the project: no root is needed and the machine's own
 * lists stay as they are. Its view of what is installed is the machine's, so that only what is
 * missing gets fetched. Hooks are cleared because Docker images clean the machine's cache in one.
 */
function aptConfiguration(archives: string): string {
  return [
    `Dir::State "${aptDir}/state/";`,
    `Dir::State::lists "${aptDir}/lists/";`,
    'Dir::State::status "/var/lib/dpkg/status";',
    `Dir::Cache "${aptDir}/cache/";`,
    `Dir::Cache::archives "${archives}/";`,
    `Dir::Log "${aptDir}/log/";`,
    'Debug::NoLocking "true";', // the locks are root's; ours is withFileLock
    'APT::Sandbox::User "root";', // stay who we are: _apt may not enter the project
    'Acquire::Languages "none";',
    'Acquire::Retries "2";',
    'Acquire::http::Timeout "20";',
    'Acquire::https::Timeout "20";',
    "#clear APT::Update::Pre-Invoke;",
    "#clear APT::Update::Post-Invoke;",
    "#clear APT::Update::Post-Invoke-Success;",
    "#clear DPkg::Pre-Invoke;",
    "#clear DPkg::Post-Invoke;",
    "",
  ].join("\n");
}

export interface UnpackOptions {
  onLog?: (line: string) => void;
  /** Ends a download. */
  signal?: AbortSignal;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function runTool(
  command: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const { stdout } = await run(command, args, {
    signal,
    maxBuffer: 64 * 1024 * 1024,
    env: {
      ...process.env,
      LC_ALL: "C",
      DEBIAN_FRONTEND: "noninteractive",
      TMPDIR: path.join(aptDir, "tmp"),
    },
  });
  return stdout;
}

function toolError(packages: readonly string[], error: unknown): MeridianError {
  const failure = error as NodeJS.ErrnoException & { stderr?: string; path?: string };
  if (failure.code === "ENOENT" && failure.path) return new AptMissingError(failure.path);
  const lines = (failure.stderr ?? failure.message).trim().split("\n");
  return new DebianPackageError(packages, lines.slice(-6).join("\n"), error);
}

async function listsAreFresh(): Promise<boolean> {
  const updated = await stat(path.join(aptDir, "updated")).catch(() => undefined);
  return updated !== undefined && Date.now() - updated.mtimeMs < LISTS_MAX_AGE_MS;
}

async function download(
  packages: readonly string[],
  archives: string,
  { onLog, signal }: UnpackOptions,
): Promise<void> {
  for (const dir of ["state", "lists/partial", "cache", "log", "tmp"]) {
    await mkdir(path.join(aptDir, dir), { recursive: true });
  }
  await mkdir(path.join(archives, "partial"), { recursive: true });
  const configuration = `${archives}.conf`;
  await writeFile(configuration, aptConfiguration(archives));
  const update = async () => {
    onLog?.("reading the package lists");
    await runTool("apt-get", ["-c", configuration, "-qq", "update"], signal);
    await writeFile(path.join(aptDir, "updated"), "");
  };
  const fetch = () =>
    runTool(
      "apt-get",
      [
        "-c",
        configuration,
        "install",
        "--yes",
        "--download-only",
        "--no-install-recommends",
        ...packages,
      ],
      signal,
    );
  try {
    const fresh = await listsAreFresh();
    if (!fresh) await update();
    onLog?.(`fetching ${packages.join(", ")}`);
    try {
      await fetch();
    } catch (error) {
      if (!fresh) throw error;
      await update(); // the mirror has moved on since the lists were read
      await fetch();
    }
  } finally {
    await rm(configuration, { force: true });
  }
}

async function unpack(archives: string, root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const file of await readdir(archives)) {
    if (file.endsWith(".deb")) await runTool("dpkg", ["-x", path.join(archives, file), root]);
  }
}

/**
 * Fetches Debian packages and whatever they need that this machine lacks, and unpacks them into
 * `.cache/debian/<name>`, without root and without installing anything. A package the machine has
 * already is left out: look for its files in the ordinary places too.
 *
 * @returns the folder that stands for `/`
 * @throws AptMissingError, DebianPackageError
 */
export async function unpackDebianPackages(
  name: string,
  packages: readonly string[],
  options: UnpackOptions = {},
): Promise<string> {
  const root = path.join(debianDir, name);
  const stamp = path.join(debianDir, `${name}.stamp`);
  const wanted = `${[...packages].sort().join(" ")}\n`;
  const isDone = async () =>
    (await exists(root)) && (await readFile(stamp, "utf8").catch(() => "")) === wanted;
  if (await isDone()) return root;
  await mkdir(debianDir, { recursive: true });
  await mkdir(aptDir, { recursive: true });
  // One lock for all names: they share apt's lists.
  return withFileLock(path.join(aptDir, "lock"), LOCK_TIMEOUT_MS, async () => {
    if (await isDone()) return root;
    const archives = path.join(aptDir, "archives", name);
    const fresh = `${root}.new`;
    try {
      await rm(fresh, { recursive: true, force: true });
      await download(packages, archives, options);
      await unpack(archives, fresh);
      await rm(stamp, { force: true });
      await rm(root, { recursive: true, force: true });
      await rename(fresh, root);
      await writeFile(stamp, wanted);
    } catch (error) {
      throw error instanceof MeridianError ? error : toolError(packages, error);
    } finally {
      await rm(fresh, { recursive: true, force: true });
      await rm(archives, { recursive: true, force: true });
    }
    return root;
  });
}

/** Subfolders of a library folder in which there are libraries too, found by absolute paths in others. */
async function privateFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders: string[] = [];
  for (const entry of entries.filter((each) => each.isDirectory())) {
    const inside = path.join(folder, entry.name);
    const files = await readdir(inside).catch(() => []);
    if (files.some((file) => /^lib.*\.so/.test(file))) folders.push(inside);
  }
  return folders;
}

/** LD_LIBRARY_PATH for programs of an unpacked root. */
export async function libraryPath(root: string): Promise<string> {
  const folders: string[] = [];
  for (const lib of [path.join(root, "usr/lib"), path.join(root, "lib")]) {
    const entries = await readdir(lib).catch(() => []);
    for (const entry of entries.filter((name) => name.includes("-linux-"))) {
      const folder = path.join(lib, entry);
      folders.push(folder, ...(await privateFolders(folder)));
    }
  }
  // Others are announced to the linker this way (blas).
  const announced = path.join(root, "etc/ld.so.conf.d");
  for (const file of await readdir(announced).catch(() => [])) {
    const text = await readFile(path.join(announced, file), "utf8");
    for (const line of text.split("\n")) {
      if (line.startsWith("/")) folders.push(path.join(root, line.trim()));
    }
  }
  return folders.join(":");
}
