import { execFileSync, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import path from "node:path";
import { MeridianError } from "@/lib/errors";

export class UnprivilegedUserError extends MeridianError {
  constructor(message: string, cause?: unknown) {
    super("unprivileged-user", message, { cause });
  }
}

/** How to start a program that refuses to run as root, and ends with the process that started it. */
export interface LaunchPlan {
  /** Put before the program and its arguments. */
  prefix: readonly string[];
  /** Identity to give the process, and the owner its files must have. Unset: our own. */
  identity?: { uid: number; gid: number };
  /** Whether the identity is set by `prefix` rather than by the spawn options. */
  prefixSetsIdentity: boolean;
}

function works(command: readonly string[]): boolean {
  const [program, ...args] = command;
  return spawnSync(program!, [...args, "true"], { stdio: "ignore" }).status === 0;
}

/** Everyone may walk through each folder above the file and read it. */
function isOpenToOthers(file: string): boolean {
  for (let at = file; ; at = path.dirname(at)) {
    const stat = statSync(at);
    const wanted = stat.isDirectory() ? 0o001 : 0o005;
    if ((stat.mode & wanted) !== wanted) return false;
    if (path.dirname(at) === at) return true;
  }
}

function nobody(): { uid: number; gid: number } {
  try {
    const id = (flag: string) =>
      Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8", stdio: "pipe" }));
    return { uid: id("-u"), gid: id("-g") };
  } catch (cause) {
    throw new UnprivilegedUserError(
      "Postgres refuses to run as root and there is no user `nobody` to run it as: " +
        "start as another user, or give DB_*_WRITE of databases that already run.",
      cause,
    );
  }
}

/**
 * Postgres refuses root. As root it runs as `nobody`, which every system has, so that no account
 * has to be created; a folder that others may not enter (/root) is bridged with one capability.
 *
 * `--pdeathsig` makes the kernel send `deathSignal` when the launcher dies, `kill -9` included.
 * Without setpriv (macOS) the next start ends what is left over.
 */
export function planLaunch(
  deathSignal: "INT" | "TERM",
  root: { mustReach: readonly string[] } | "stay-root",
): LaunchPlan {
  const asRoot = process.getuid?.() === 0 && root !== "stay-root";
  const tie = ["setpriv", "--pdeathsig", deathSignal];
  if (!asRoot) {
    return { prefix: works(tie) ? tie : [], prefixSetsIdentity: false };
  }
  const identity = nobody();
  const drop = [`--reuid=${identity.uid}`, `--regid=${identity.gid}`, "--clear-groups"];
  if (root.mustReach.every(isOpenToOthers)) {
    const plain = [...tie, ...drop];
    return works(plain)
      ? { prefix: plain, identity, prefixSetsIdentity: true }
      : { prefix: [], identity, prefixSetsIdentity: false };
  }
  const bridged = [
    ...tie,
    ...drop,
    // Without it access(2), by which initdb looks for its programs, forgets the capability.
    "--securebits=+no_setuid_fixup",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
  ];
  if (works(bridged)) return { prefix: bridged, identity, prefixSetsIdentity: true };
  throw new UnprivilegedUserError(
    `Postgres runs as \`nobody\` here, who may not enter ${root.mustReach.join(" or ")}: ` +
      "move the project to a folder that others may enter, or start as another user.",
  );
}
