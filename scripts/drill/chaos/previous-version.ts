import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { MeridianError } from "@/lib/errors";
import { cacheDir, projectRoot } from "@/scripts/local/paths";

const run = promisify(execFile);

interface Lock {
  packages?: Readonly<Record<string, { version?: string; integrity?: string }>>;
}

/** Whether all that one lock file wants installed is what another one has installed. Pure. */
export function isInstalledBy(wanted: string, installed: string): boolean {
  const packagesOf = (text: string) => {
    // The project itself is the one without a name.
    const { "": _project, ...packages } = (JSON.parse(text) as Lock).packages ?? {};
    return packages;
  };
  const here = packagesOf(installed);
  return Object.entries(packagesOf(wanted)).every(
    ([name, { version, integrity }]) =>
      here[name]?.version === version && here[name]?.integrity === integrity,
  );
}

/**
 * Puts a commit of this project into a folder of its own, ready to run, and returns where. One that is there already is
 * used again. Its packages are this version's where it wants the same ones.
 */
export async function checkOut(commit: string, log: (line: string) => void): Promise<string> {
  const git = (...args: string[]) => run("git", args, { cwd: projectRoot });
  const { stdout } = await git("rev-parse", "--verify", "--quiet", `${commit}^{commit}`).catch(
    (cause: unknown) => {
      throw new MeridianError("unknown-commit", `There is no commit ${commit} here.`, { cause });
    },
  );
  const sha = stdout.trim();
  const root = path.join(cacheDir, "previous", sha);
  const ready = path.join(root, ".cache/ready");
  if (existsSync(ready)) return root;
  log(`getting ${sha.slice(0, 7)} ready in ${path.relative(projectRoot, root)}`);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(path.dirname(ready), { recursive: true });
  const archive = path.join(root, ".cache/files.tar");
  await git("archive", "-o", archive, sha);
  await run("tar", ["-xf", archive, "-C", root]);
  rmSync(archive);
  const lockOf = (folder: string) => readFileSync(path.join(folder, "package-lock.json"), "utf8");
  if (isInstalledBy(lockOf(root), lockOf(projectRoot))) {
    symlinkSync(path.join(projectRoot, "node_modules"), path.join(root, "node_modules"));
  } else {
    await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root, maxBuffer: Infinity });
  }
  await run(process.execPath, ["scripts/bootstrap.mjs", "generate"], { cwd: root });
  writeFileSync(ready, "");
  return root;
}
