/** `npm run region -- <command>`: compare, mend, add and rebuild regions, and say which one leads. */
import { Command } from "commander";
import { checkRegions } from "@/lib/db/replication/repair/check";
import { repairRegions } from "@/lib/db/replication/repair/mend";
import { healRestored } from "@/lib/db/replication/repair/restored";
import type { RepairRegion } from "@/lib/db/replication/repair/snapshot";
import { parsePolicyDefaults } from "@/lib/env";
import { ConfigurationError } from "@/lib/errors";
import { joinRegion } from "@/scripts/region/join";
import { addLeadershipCommands } from "@/scripts/region/leadership";
import {
  checkLines,
  exitCodeOf,
  behindLines,
  joinedLines,
  progressLine,
  repairExitCode,
  repairLines,
} from "@/scripts/region/print";
import { openRegions } from "@/scripts/region/regions";
import { databaseTargets } from "@/scripts/targets";

interface Flags {
  json?: true;
  table?: string;
  dryRun?: true;
  directUrl?: string;
  appPassword?: string;
  restored?: true;
}

function say(flags: Flags, report: unknown, lines: readonly string[]): void {
  console.log(flags.json ? JSON.stringify(report, null, 2) : lines.join("\n"));
}

async function withRegions<T>(run: (regions: RepairRegion[]) => Promise<T>): Promise<T> {
  const opened = openRegions(databaseTargets());
  try {
    return await run(opened.regions);
  } finally {
    await opened.close();
  }
}

function urlOf(id: string, flags: Flags): string {
  const url = flags.directUrl ?? databaseTargets().find((target) => target.id === id)?.directUrl;
  if (!url) throw new ConfigurationError(`Region ${id} is not configured: give its --direct-url.`);
  return url;
}

async function join(mode: "add" | "rebuild", id: string, flags: Flags): Promise<void> {
  const peers = databaseTargets().filter((target) => target.id !== id);
  const log = (line: string) => {
    if (!flags.json) console.log(line);
  };
  let printedAtMs = 0;
  const target = databaseTargets().find((candidate) => candidate.id === id);
  const joined = await joinRegion({
    id,
    mode,
    peers,
    directUrl: urlOf(id, flags),
    appPassword: flags.appPassword ?? target?.appPassword,
    peerPasswords: target?.peerPasswords,
    defaults: parsePolicyDefaults(process.env),
    log,
    onProgress: (progress) => {
      if (!progress.done && performance.now() - printedAtMs < 1_000) return;
      printedAtMs = performance.now();
      if (progress.rows > 0) log(progressLine(progress));
    },
  });
  say(flags, joined, joinedLines(joined));
  if (joined.unreachable.length > 0) process.exitCode = 2;
}

async function heal(id: string, flags: Flags): Promise<void> {
  await withRegions(async (regions) => {
    const region = regions.find((candidate) => candidate.id === id);
    if (!region) throw new ConfigurationError(`Region ${id} is not configured.`);
    const peers = regions.filter((candidate) => candidate.id !== id);
    const healed = await healRestored(region, peers);
    say(
      flags,
      { region: id, healed },
      healed === null
        ? [`${id} takes writes: nothing to heal`]
        : [
            ...behindLines(healed.behind),
            ...healed.copied.map(({ source, rows }) => `copied      ${rows} rows from ${source}`),
            `healed      ${id}, incarnation ${healed.incarnation}; ${healed.republished} rows written since the restore are told again`,
          ],
    );
  });
}

const program = new Command("npm run region --").description(
  "Compare, mend, add and rebuild regions while they are in use, and say which of them leads. Exit code: 0 done or equal, 1 different or refused, 2 not everything was reached.",
);

program
  .command("check")
  .description("print the rows that are not the same in all regions")
  .option("--table <entity>", "only this entity")
  .option("--json", "print the report as JSON")
  .action(async (flags: Flags) => {
    await withRegions(async (regions) => {
      const report = await checkRegions(regions, { entity: flags.table });
      say(flags, report, checkLines(report));
      process.exitCode = exitCodeOf(report);
    });
  });

program
  .command("repair")
  .description("make the regions equal, and let streams go on whose events have been dropped")
  .option("--table <entity>", "only this entity; no stream is let on")
  .option("--dry-run", "print what would be done")
  .option("--json", "print the report as JSON")
  .action(async (flags: Flags) => {
    await withRegions(async (regions) => {
      const report = await repairRegions(regions, { entity: flags.table, dryRun: flags.dryRun });
      say(flags, report, [...checkLines(report.check), ...repairLines(report)]);
      process.exitCode = repairExitCode(report);
    });
  });

program
  .command("add <regionId>")
  .description("make an empty database a new region")
  .option("--direct-url <url>", "its database, as the owner; default: as configured")
  .option("--app-password <password>", "lets the role meridian_app log in with it")
  .option("--json", "print the report as JSON")
  .action((id: string, flags: Flags) => join("add", id, flags));

program
  .command("rebuild <regionId>")
  .description("give a region an empty database in place of the one it lost")
  .option("--direct-url <url>", "its database, as the owner; default: as configured")
  .option("--app-password <password>", "lets the role meridian_app log in with it")
  .option("--restored", "its database was restored from an old copy and refuses writes: heal it")
  .option("--json", "print the report as JSON")
  .action((id: string, flags: Flags) =>
    flags.restored ? heal(id, flags) : join("rebuild", id, flags),
  );

addLeadershipCommands(program, withRegions);

await program.parseAsync();
