// npm run db:migrate [-- --json] [-- --retry-failed]
import { parseArgs } from "node:util";
import { policiesUnder } from "@/lib/db/conflicts/policies";
import { checkQuorumSizes } from "@/lib/db/leaderless/quorum-sizes";
import { parsePolicyDefaults } from "@/lib/env";
import { migrateRegions, type RegionReport } from "@/scripts/migrate-runner";
import { databaseTargets } from "@/scripts/targets";

function describe({ regionId, error, applied, already, ms }: RegionReport, width: number): string {
  const name = regionId.padEnd(width);
  const done = applied.length > 0 ? `applied ${applied.join(", ")}` : "nothing to apply";
  if (!error) return `${name}  ok  ${done}; ${already} applied before; ${ms} ms`;
  return `${name}  FAILED  ${error.message}${applied.length > 0 ? ` (${done} before that)` : ""}`;
}

const { values } = parseArgs({
  options: { json: { type: "boolean" }, "retry-failed": { type: "boolean" } },
});
const targets = databaseTargets();
const defaults = parsePolicyDefaults(process.env);
checkQuorumSizes(policiesUnder(defaults), targets.length);
const reports = await migrateRegions(targets, {
  defaults,
  retryFailed: values["retry-failed"] ?? false,
  log: values.json ? undefined : (line) => console.log(line),
});
if (values.json) console.log(JSON.stringify(reports, null, 2));
else {
  const width = Math.max(...reports.map((report) => report.regionId.length));
  for (const report of reports) console.log(describe(report, width));
}
if (reports.some((report) => !report.ok)) process.exitCode = 1;
