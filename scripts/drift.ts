// npm run db:drift [-- --json]: exits with 1 when anything differs.
import { parseArgs } from "node:util";
import { parsePolicyDefaults } from "@/lib/env";
import { checkDrift, type DriftReport } from "@/scripts/drift/check";
import { databaseTargets } from "@/scripts/targets";

const SHOWN = 50;

function print(report: DriftReport): void {
  if (report.schemaScript === null) console.log("migrations  agree with prisma/schema.prisma");
  else {
    console.log("migrations  DIFFER from prisma/schema.prisma; this would bring them there:");
    console.log(report.schemaScript.replace(/^/gm, "  "));
  }
  for (const { regionId, error, differences } of report.regions) {
    if (error !== undefined) console.log(`${regionId}  FAILED  ${error}`);
    else if (differences.length === 0) console.log(`${regionId}  agrees with the migrations`);
    else console.log(`${regionId}  DIFFERS from the migrations (${differences.length}):`);
    for (const { kind, object } of differences.slice(0, SHOWN)) console.log(`  ${kind}: ${object}`);
    if (differences.length > SHOWN) console.log(`  … and ${differences.length - SHOWN} more`);
  }
}

const { values } = parseArgs({ options: { json: { type: "boolean" } } });
const report = await checkDrift({
  regions: databaseTargets(),
  defaults: parsePolicyDefaults(process.env),
});
if (values.json) console.log(JSON.stringify(report, null, 2));
else print(report);
if (!report.clean) process.exitCode = 1;
