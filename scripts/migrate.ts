// npm run db:migrate [-- --json] [-- --retry-failed]
import { parseArgs } from "node:util";
import { migrateRegions, type RegionReport } from "@/scripts/migrate-runner";
import { databaseTargets } from "@/scripts/targets";

function describe(report: RegionReport, width: number): string {
  const name = report.regionId.padEnd(width);
  const done = [
    report.applied.length > 0 ? `applied ${report.applied.join(", ")}` : "nothing to apply",
    `${report.already} applied before`,
    `${report.ms} ms`,
  ].join("; ");
  return report.error
    ? `${name}  FAILED  ${report.error.message} (${done})`
    : `${name}  ok  ${done}`;
}

const { values } = parseArgs({
  options: { json: { type: "boolean" }, "retry-failed": { type: "boolean" } },
});
const reports = await migrateRegions(databaseTargets(), {
  retryFailed: values["retry-failed"] ?? false,
  log: values.json ? undefined : (line) => console.log(line),
});
if (values.json) console.log(JSON.stringify(reports, null, 2));
else {
  const width = Math.max(...reports.map((report) => report.regionId.length));
  for (const report of reports) console.log(describe(report, width));
}
if (reports.some((report) => !report.ok)) process.exitCode = 1;
