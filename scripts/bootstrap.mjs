// The entry of every npm script: `node scripts/bootstrap.mjs <command> [arguments]`. It makes sure
// the Prisma client exists and then becomes the command, in this same process, so that signals and
// exit codes need no forwarding and a process id is that of the program itself.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { reportBudgets } from "./bundle-budget.mjs";
import { ensureGenerated, root } from "./generate.mjs";

const NEXT = "node_modules/next/dist/bin/next";
const TSC = "node_modules/typescript/bin/tsc";
const VITEST = "node_modules/vitest/vitest.mjs";

/** Program and leading arguments of each command; a .ts program is loaded through tsx. */
const COMMANDS = {
  dev: { program: "scripts/dev.ts" },
  worker: { program: "scripts/worker.ts" },
  migrate: { program: "scripts/migrate.ts" },
  drift: { program: "scripts/drift.ts" },
  seed: { program: "scripts/seed.ts" },
  region: { program: "scripts/region.ts" },
  bench: { program: "scripts/bench.ts" },
  plans: { program: "scripts/plans.ts" },
  profile: { program: "scripts/profile.ts" },
  drill: { program: "scripts/drill.ts" },
  "ws-proxy": { program: "scripts/ws-proxy.ts" },
  build: { program: NEXT, args: ["build"], before: checkBundlesAtTheEnd },
  // Not the types inside .next, which are of the last build; the next one checks its pages itself.
  typecheck: { program: TSC, args: ["-p", "tsconfig.typecheck.json"], before: ensureNextTypes },
  test: { program: VITEST, args: ["run"] },
  generate: {},
};

/**
 * next-env.d.ts is Next's own file and is not committed. The one a build leaves behind refers to
 * types inside the build folder, which may be gone.
 */
function ensureNextTypes() {
  const file = path.join(root, "next-env.d.ts");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const references = [...text.matchAll(/(?:path=|import )"([^"]+)"/g)].map((match) => match[1]);
  if (text !== "" && references.every((name) => existsSync(path.join(root, name)))) return;
  writeFileSync(
    file,
    '/// <reference types="next" />\n/// <reference types="next/image-types/global" />\n',
  );
}

/** Next ends the process itself when it has built; what is left to do is done on the way out. */
function checkBundlesAtTheEnd() {
  process.once("exit", (code) => {
    if (code === 0 && !reportBudgets(path.join(root, process.env.MERIDIAN_DIST_DIR ?? ".next"))) {
      process.exitCode = 1;
    }
  });
}

/** Next reads .env files itself, tests must not read them. Values already set win. */
function loadEnvFiles() {
  for (const name of [".env.local", ".env"]) {
    const file = path.join(root, name);
    if (existsSync(file)) process.loadEnvFile(file);
  }
}

async function become(command, args) {
  const program = path.join(root, command.program);
  if (!existsSync(program)) throw new Error(`${command.program} does not exist.`);
  process.argv = [process.execPath, program, ...(command.args ?? []), ...args];
  if (program.endsWith(".ts")) {
    loadEnvFiles();
    const { register } = await import("tsx/esm/api");
    register();
  }
  await import(pathToFileURL(program).href);
}

async function main() {
  const [name, ...args] = process.argv.slice(2);
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name] : undefined;
  if (!command) {
    throw new Error(`Usage: node scripts/bootstrap.mjs ${Object.keys(COMMANDS).join(" | ")}`);
  }
  process.chdir(root);
  // Caches of the tools that run here stay inside the project.
  if (!process.env.TMPDIR) {
    process.env.TMPDIR = path.join(root, ".cache/tmp");
    mkdirSync(process.env.TMPDIR, { recursive: true });
  }
  process.env.NEXT_TELEMETRY_DISABLED ??= "1"; // nothing here calls home unasked
  const generated = await ensureGenerated({ force: name === "generate" });
  if (name === "generate" && generated) console.log("Generated the Prisma client.");
  command.before?.();
  if (command.program) await become(command, args);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error && !process.env.DEBUG ? error.message : error);
  process.exitCode = 1;
}
