// Checks docs/models with Spin: the protocol as it is, which has to hold, and each planted bug, which has to be
// found. Needs `spin` and `gcc` on the PATH, and says so where they are missing: nothing was checked then.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const MODEL = path.resolve(import.meta.dirname, "../docs/models/leadership.pml");
const LIMIT_MS = 900_000;

/** Of each search. One that takes longer ends without having seen all states, and says so. */
const MINUTES = 1;

function run(command, args, cwd) {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    timeout: LIMIT_MS,
  });
  if (error?.code === "ENOENT") {
    console.error(`NOT RUN: ${command} is not installed. Nothing was checked.`);
    process.exit(2);
  }
  if (error) throw error;
  return { status, output: `${stdout}${stderr}` };
}

/** Leases over three epochs, and what becomes of a write over two. */
const SCOPES = ["MAX_WRITES=0", "MAX_EPOCH=2"];

/** Whether Spin found a violation within its time. */
function isBroken(scope, bug) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "meridian-model-"));
  try {
    run("spin", [`-D${scope}`, ...(bug ? [`-D${bug}`] : []), "-a", MODEL], folder);
    run("gcc", ["-w", "-O2", "-DSAFETY", "-DBITSTATE", "-o", "pan", "pan.c"], folder);
    const startedMs = performance.now();
    const { output } = run("./pan", ["-m100000", "-w31", `-Q${MINUTES}`], folder);
    const states = /(\S+) states, stored/.exec(output)?.[1] ?? "?";
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const errors = /errors: (\d+)/.exec(output)?.[1];
    if (errors === undefined) throw new Error(output);
    const partial = errors === "0" && output.includes("Search not completed");
    const extent = partial ? "NOT ALL STATES WERE SEARCHED" : "done";
    const name = `${bug ?? "as it is"}, ${scope}`;
    console.log(`${name}: ${errors} violations, ${states} states, ${seconds} s, ${extent}`);
    return errors !== "0";
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const bugs = [...readFileSync(MODEL, "utf8").matchAll(/^#ifn?def ([A-Z_]+)$/gm)]
  .map(([, name]) => name)
  .filter((name, at, all) => !name.startsWith("MAX_") && all.indexOf(name) === at);
const holds = SCOPES.every((scope) => !isBroken(scope));
const missed = bugs.filter((bug) => !SCOPES.some((scope) => isBroken(scope, bug)));
for (const bug of missed) console.error(`Not found: ${bug}`);
if (!holds) console.error("The protocol breaks a promise.");
process.exit(holds && missed.length === 0 ? 0 : 1);
