/** `npm run bench -- <name>`: figures beside those of a peer, from one run on databases of its own. */
import { Command } from "commander";
import { benchFailover, benchSwitchover } from "./bench/failover";
import { benchHttp } from "./bench/http";
import { benchLag } from "./bench/lag";
import { benchLeaderboard } from "./bench/leaderboard";
import { benchRead } from "./bench/read";
import { benchReplication } from "./bench/replication";
import { benchRtt } from "./bench/rtt";
import { benchScale } from "./bench/scale";
import type { BenchResult, BenchRow } from "./bench/statistics";
import { benchWrite } from "./bench/write";

const BENCHES = {
  write: { run: benchWrite, about: "a captured write against a plain one" },
  http: { run: benchHttp, about: "pages and a handler against those of a bare Next.js app" },
  replication: { run: benchReplication, about: "events/s against native logical replication" },
  lag: { run: benchLag, about: "commit to visible against native logical replication" },
  read: {
    run: benchRead,
    about: "a session's read against Prisma alone and its replica extension",
  },
  rtt: { run: benchRtt, about: "trips between regions that an operation takes" },
  scale: { run: benchScale, about: "what more documents, writers, regions and backlog cost" },
  failover: { run: benchFailover, about: "write gap after a fault of the leader against Patroni" },
  switchover: { run: benchSwitchover, about: "write gap of a hand-over against Patroni" },
  leaderboard: { run: benchLeaderboard, about: "rank and top 100 of a million against counting" },
} satisfies Record<string, { run: () => Promise<BenchResult>; about: string }>;

function describe(row: BenchRow): string {
  const { what, value, unit, peer, peerValue, ratio, min, max, target } = row;
  const bound = target ? boundOf(target, unit) : "";
  const verdict = target ? `, target ${bound}: ${row.met ? "met" : "not met"}` : "";
  const beside =
    peerValue === null
      ? `beside ${peer}`
      : `${ratio} × ${peer} (${peerValue} ${unit}; rounds ${min}–${max})`;
  return `${what}: ${value} ${unit}, ${beside}${verdict}`;
}

function boundOf(target: NonNullable<BenchRow["target"]>, unit: string): string {
  if ("valueAtMost" in target) return `≤ ${target.valueAtMost} ${unit}`;
  if ("valueAtLeast" in target) return `≥ ${target.valueAtLeast} ${unit}`;
  return "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
}

const program = new Command("npm run bench --").description(
  "Benchmarks on a local planet with fresh data; with --json the last line is the result.",
);
for (const [name, { run, about }] of Object.entries(BENCHES)) {
  program
    .command(name)
    .description(about)
    .option("--json", "print the result as one JSON object")
    .action(async ({ json }: { json?: true }) => {
      const result = await run();
      console.log(json ? JSON.stringify(result) : result.rows.map(describe).join("\n"));
    });
}

await program.parseAsync();
