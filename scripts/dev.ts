/** `npm run dev`: the local planet. See docs/ARCHITECTURE.md for what it consists of. */
import { existsSync } from "node:fs";
import path from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { errorMessage, MeridianError } from "@/lib/errors";
import { projectRoot } from "@/scripts/local/paths";
import { Planet, type PlanetOptions, type PlanetSummary } from "@/scripts/local/planet";
import { ConsoleReport } from "@/scripts/local/planet-report";
import { watchStarters } from "@/scripts/local/starter-watch";

interface Flags {
  latency: boolean;
  redis: boolean;
  production?: true;
  serverless?: true;
  headless?: true;
  ephemeral?: true;
  migrate?: true;
  port: number;
  host: string;
  dir?: string;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError("Expected a port from 0 (any) to 65535.");
}

function parseFlags(argv: readonly string[]): PlanetOptions {
  const flags = new Command("npm run dev --")
    .description("Starts the local planet: what is missing of databases, Redis, workers, web.")
    .option("--no-latency", "links between the regions without delay")
    .option("--no-redis", "run without Redis (degraded mode)")
    .option("--production", "serve the production build, made first when there is none")
    .option("--serverless", "no workers, a process for each request, a cron job once a minute")
    .option("--headless", "no web: databases, Redis and workers only")
    .option("--port <number>", "of the web, or the next free one", parsePort, 3000)
    .option("--host <address>", "that the web listens on", "127.0.0.1")
    .option("--ephemeral", "fresh data, removed at the end, and free ports")
    .option("--dir <path>", "where cluster.json, links.json, secrets.json and logs go")
    .option("--migrate", "migrate and seed databases of the environment that are not local")
    .parse([...argv])
    .opts<Flags>();
  return {
    latency: flags.latency,
    redis: flags.redis,
    web: flags.headless ? null : flags.production || flags.serverless ? "production" : "dev",
    serverless: flags.serverless ?? false,
    port: flags.port,
    host: flags.host,
    ephemeral: flags.ephemeral ?? false,
    dir: flags.dir,
    migrate: flags.migrate ?? false,
  };
}

/** As Next does it: what is set already wins, then .env.local, then .env. */
function loadEnvFiles(): void {
  for (const name of [".env.local", ".env"]) {
    const file = path.join(projectRoot, name);
    if (existsSync(file)) process.loadEnvFile(file);
  }
}

function describe(summary: PlanetSummary): string {
  const lines = ["", "Meridian is running.", ""];
  if (summary.web) lines.push(`  Open       ${summary.web}`);
  for (const [index, { id, city, address }] of summary.regions.entries()) {
    const label = index === 0 ? "Regions" : "";
    lines.push(`  ${label.padEnd(10)} ${id.padEnd(16)} ${city.padEnd(12)} Postgres ${address}`);
  }
  const redis = summary.redis ? new URL(summary.redis).host : null;
  lines.push(`  Redis      ${redis ? `${redis} (${summary.redisOrigin})` : summary.redisOrigin}`);
  if (summary.seed) {
    lines.push("", `  Demo accounts, password ${summary.seed.password}`);
    for (const { email, role } of summary.seed.accounts) {
      lines.push(`             ${email.padEnd(24)} ${role}`);
    }
  }
  lines.push(
    "",
    `  Logs in ${path.relative(process.cwd(), summary.logs) || "."}. Ctrl-C stops everything.`,
  );
  return lines.join("\n");
}

async function main(): Promise<void> {
  const startedAt = performance.now();
  loadEnvFiles();
  const options = parseFlags(process.argv);
  const report = new ConsoleReport();
  const planet = new Planet(options, report);
  let stopping = false;
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    report.event(`${reason}: stopping`);
    planet.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(errorMessage(error));
        process.exit(1);
      },
    );
  };
  // Handlers stay until the end: a second Ctrl-C must not leave half of the planet running.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop(name));
  // Whoever reads our output may leave (`npm run dev | head`): no reason to end without order.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  watchStarters(() => stop("npm is gone"));
  console.log("Starting the local planet");
  try {
    const summary = await planet.start();
    console.log(describe(summary));
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`  Started in ${seconds} s.`);
  } catch (error) {
    if (stopping) return; // stop() is under way and ends the process
    console.error(error instanceof MeridianError ? `\n${error.message}` : error);
    process.exit(1);
  }
}

await main();
