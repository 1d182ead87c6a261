// Asks the registry for known vulnerabilities of what is installed. Exits with 1 if the application depends on a
// package with one of level high or critical, and with 2 where the registry can't be asked: nothing was checked then.
import { spawnSync } from "node:child_process";

const LIMIT_MS = 60_000;

const { stdout, error } = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
  encoding: "utf8",
  timeout: LIMIT_MS,
  shell: process.platform === "win32",
});
if (error) notChecked(error.message);

let report;
try {
  report = JSON.parse(stdout);
} catch {
  notChecked("npm's answer is no JSON");
}
const counts = report.metadata?.vulnerabilities;
if (!counts) notChecked(report.message ?? report.error?.summary ?? "npm's answer has no counts");

const grave = Object.values(report.vulnerabilities ?? {}).filter(({ severity }) =>
  ["high", "critical"].includes(severity),
);
for (const { name, severity, range, via } of grave) {
  const titles = via.map((cause) => (typeof cause === "string" ? cause : cause.title));
  console.error(`${severity}: ${name} ${range}: ${titles.join("; ")}`);
}
console.log(
  `${counts.total ?? 0} known vulnerabilities in ${report.metadata.dependencies?.prod ?? "?"} packages, ${grave.length} of them high or critical`,
);
process.exit(grave.length > 0 ? 1 : 0);

function notChecked(reason) {
  console.error(`NOT CHECKED: ${reason}`);
  process.exit(2);
}
