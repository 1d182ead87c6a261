import type { CheckReport, Difference } from "@/lib/db/replication/repair/check";
import type { CopyProgress } from "@/lib/db/replication/repair/copy";
import type { RepairReport } from "@/lib/db/replication/repair/mend";
import type { Joined } from "./join";

/** A report may name every row of a region: nobody reads them, and --json has them all. */
const SHOWN = 200;

function line({ entity, id, kind, regions }: Difference): string {
  const parts = Object.entries(regions).map(
    ([region, state]) =>
      `${region} ${state === null ? "missing" : `${state.hash.slice(0, 8)} ${state.clock}`}`,
  );
  return `  ${entity} ${id}  ${kind}  ${parts.join("; ")}`;
}

function some(rows: readonly string[]): string[] {
  const rest = rows.length - SHOWN;
  return rest > 0 ? [...rows.slice(0, SHOWN), `  … and ${rest} more (--json has all)`] : [...rows];
}

export function checkLines(report: CheckReport): string[] {
  const rows = report.entities.map(({ entity, rows }) => `${entity} ${rows}`).join(", ");
  return [
    `compared    ${report.compared.join(", ")} in ${report.ms} ms (rows: ${rows})`,
    ...report.failures.map(({ region, reason }) => `not reached ${region}: ${reason}`),
    ...report.behind.map((text) => `behind      ${text}`),
    ...(report.differences.length > 0 ? [`different   ${report.differences.length}`] : []),
    ...some(report.differences.map(line)),
    ...(report.unsettled.length > 0
      ? [`unsettled   ${report.unsettled.length} differ and may only be under way`]
      : []),
    ...some(report.unsettled.map(line)),
    `outcome     ${report.outcome}`,
  ];
}

export function repairLines(report: RepairReport): string[] {
  const counts = new Map<string, number>();
  for (const { rule } of report.mended) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  const byRule = [...counts].map(([rule, count]) => `${rule} ${count}`).join(", ") || "nothing";
  return [
    `${report.dryRun ? "would mend " : "mended     "} ${byRule}`,
    ...some(
      report.mended.map(
        ({ entity, id, rule, from }) => `  ${entity} ${id}  ${rule}${from ? ` from ${from}` : ""}`,
      ),
    ),
    ...report.failed.map(
      ({ entity, id, region, reason }) => `refused     ${entity} ${id} by ${region}: ${reason}`,
    ),
    ...report.raised.map(
      ({ region, actor, position }) => `cursor      ${region} goes on with ${actor} at ${position}`,
    ),
    ...(report.left.length > 0
      ? [`left        ${report.left.length} rows still differ: written meanwhile, or refused`]
      : []),
  ];
}

export function progressLine({ source, entity, rows, done }: CopyProgress): string {
  return `  ${source}  ${entity}  ${rows} rows${done ? "" : " …"}`;
}

/** Peers that lack something of a region's former incarnation. */
export function behindLines(behind: readonly string[]): string[] {
  return behind.map(
    (id) =>
      `behind      ${id}: gets the rest of the former incarnation from the others once its worker runs`,
  );
}

export function joinedLines({ region, actor, copied, unreachable, behind, ms }: Joined): string[] {
  return [
    ...copied.map(({ source, rows, ms }) => `copied      ${rows} rows from ${source} in ${ms} ms`),
    ...behindLines(behind),
    ...unreachable.map(
      (id) =>
        `not told    ${id} could not be reached: run "npm run region -- repair" when it is back`,
    ),
    `joined      ${region} as ${actor} in ${ms} ms; put it into the configuration and start its worker`,
  ];
}

/** What a shell can tell apart: 0 equal, 1 different, 2 not everything could be compared. */
export function exitCodeOf(report: CheckReport): number {
  return { equal: 0, different: 1, incomparable: 2 }[report.outcome];
}

export function repairExitCode(report: RepairReport): number {
  if (report.dryRun) return exitCodeOf(report.check);
  if (report.left.length > 0 || report.failed.length > 0) return 1;
  return report.check.failures.length > 0 || report.check.compared.length < 2 ? 2 : 0;
}
