/** `npm run drill -- <name>`: faults on a local planet of its own, and what came of them. */
import { Command, Option } from "commander";
import { DURABILITIES, type Durability } from "@/lib/policy-defaults";
import path from "node:path";
import { checkRun } from "./drill/chaos/check-run";
import { drillChaos, type ChaosOptions } from "./drill/chaos/chaos";
import { FAULT_KINDS, type FaultKind } from "./drill/chaos/plan";
import { drillFlashSale, type FlashSaleOptions } from "./drill/flash-sale";
import { drillLedger, type LedgerDrillOptions } from "./drill/ledger";
import { drillLeadership } from "./drill/leadership";
import { drillOverload, type OverloadOptions } from "./drill/overload";
import { drillResidency } from "./drill/residency";
import { drillRestarts } from "./drill/restarts";
import { drillSoak, type SoakOptions } from "./drill/soak";
import { drillServerless, type ServerlessOptions } from "./drill/serverless";

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`Not a whole number: ${text}`);
  return value;
}

interface ChaosFlags extends Pick<ChaosOptions, "minutes" | "seed"> {
  dir?: string;
  previous?: string;
  only?: FaultKind[];
  json?: true;
}

interface LeadershipFlags {
  rounds: number;
  durability: Durability | "mixed";
  redis: boolean;
  killRedis: boolean;
  json?: true;
}

// Its own connections break on purpose.
process.env.LOG_LEVEL ??= "error";

const program = new Command("npm run drill --").description(
  "Fault drills on a local planet with fresh data. The last line printed is the result as JSON.",
);

program
  .command("restarts")
  .description("kill -9 of workers, Redis and web at random while writes go on in every region")
  .option("--seconds <n>", "how long faults are injected", wholeNumber, 60)
  .option("--seed <n>", "of the random choices", wholeNumber, Date.now() % 100_000)
  .option("--no-web", "without the web process")
  .option("--databases", "kill databases as well", false)
  .option("--json", "print nothing but the result")
  .action(
    async (flags: {
      seconds: number;
      seed: number;
      web: boolean;
      databases: boolean;
      json?: true;
    }) => {
      const log = (line: string) => {
        if (!flags.json) console.log(line);
      };
      const result = await drillRestarts({ ...flags, log });
      console.log(JSON.stringify(result));
      const passed =
        result.lost === 0 &&
        result.appliedWrongly === 0 &&
        result.converged &&
        result.recoveredMs <= 5_000;
      process.exitCode = passed ? 0 : 1;
    },
  );

for (const [kind, description] of [
  ["failover", "kill -9 and stop the leading region's database, in turn, while clients write"],
  ["switchover", "hand the lead from region to region while clients write"],
] as const) {
  program
    .command(kind)
    .description(description)
    .option("--rounds <n>", "how many times", wholeNumber, 20)
    .addOption(
      new Option("--durability <level>", "of the clients' writes")
        .choices([...DURABILITIES, "mixed"])
        .default("mixed"),
    )
    .option("--no-redis", "without Redis")
    .option("--kill-redis", "kill -9 Redis in each round as well", false)
    .option("--json", "print nothing but the result")
    .action(async (flags: LeadershipFlags) => {
      const log = (line: string) => {
        if (!flags.json) console.log(line);
      };
      const planet = flags.redis ? [] : ["--no-redis"];
      const result = await drillLeadership({ kind, ...flags, log, planet });
      console.log(JSON.stringify(result));
      const failed = kind === "switchover" ? result.failedWrites : 0;
      process.exitCode = result.lost + result.dualLeader + failed === 0 ? 0 : 1;
    });
}

program
  .command("flash-sale")
  .description("buyers in every region, while links are cut and healed and a database is killed")
  .option("--stock <n>", "units for sale", wholeNumber, 1_000)
  .option("--clients <n>", "buyers at the same time", wholeNumber, 60)
  .option("--attempts <n>", "to reserve a unit", wholeNumber, 3_000)
  .option("--seed <n>", "of the random choices", wholeNumber, Date.now() % 100_000)
  .option("--no-faults", "nothing is cut or killed")
  .option("--no-kill", "links are cut, and no database is killed")
  .option("--json", "print nothing but the result")
  .action(async (flags: Omit<FlashSaleOptions, "log"> & { json?: true }) => {
    const log = (line: string) => {
      if (!flags.json) console.log(line);
    };
    const result = await drillFlashSale({ ...flags, log });
    console.log(JSON.stringify(result));
    const { converged, balanced, rightsConserved, oversold } = result;
    process.exitCode = converged && balanced && rightsConserved && !oversold ? 0 : 1;
  });

program
  .command("residency")
  .description("everything that can happen to a pinned document, and a search for what it holds")
  .option("--json", "print nothing but the result")
  .action(async (flags: { json?: true }) => {
    const log = (line: string) => {
      if (!flags.json) console.log(line);
    };
    const result = await drillResidency({ log });
    console.log(JSON.stringify(result));
    process.exitCode = result.leaks.length + result.notFound.length === 0 ? 0 : 1;
  });

program
  .command("ledger")
  .description("transfers from every region, each retried by its key, while the leader is killed")
  .option("--seconds <n>", "for how long at most", wholeNumber, 400)
  .option("--kills <n>", "of the leading region's database", wholeNumber, 10)
  .option("--rate <n>", "transfers begun in a second", wholeNumber, 200)
  .option("--seed <n>", "of the random choices", wholeNumber, Date.now() % 100_000)
  .option("--json", "print nothing but the result")
  .action(async (flags: Omit<LedgerDrillOptions, "log"> & { json?: true }) => {
    const log = (line: string) => {
      if (!flags.json) console.log(line);
    };
    const result = await drillLedger({ ...flags, log });
    console.log(JSON.stringify(result));
    const { converged, twice, missing, unsettled, kills, regions } = result;
    const balanced = Object.values(regions).every(
      ({ sumMinor, wrongAccounts }) => sumMinor === 0 && wrongAccounts === 0,
    );
    const passed = converged && balanced && twice + missing + unsettled === 0;
    process.exitCode = passed && kills === flags.kills ? 0 : 1;
  });

program
  .command("serverless")
  .description("sessions and kills of the leader where no workers run, each request on its own")
  .option("--sessions <n>", "that write and then read in another region", wholeNumber, 1_000)
  .option("--kills <n>", "of the leading region's database", wholeNumber, 5)
  .option("--json", "print nothing but the result")
  .action(async (flags: Omit<ServerlessOptions, "log"> & { json?: true }) => {
    const log = (line: string) => {
      if (!flags.json) console.log(line);
    };
    const result = await drillServerless({ ...flags, log });
    console.log(JSON.stringify(result));
    const { stale, failedSessions, lost, dualLeader } = result;
    process.exitCode = stale + failedSessions + lost + dualLeader === 0 ? 0 : 1;
  });

program
  .command("overload")
  .description("pages of the production build, asked for faster than it can make them")
  .option("--times <n>", "what it can make", wholeNumber, 4)
  .option("--seconds <n>", "for how long", wholeNumber, 60)
  .option("--json", "print nothing but the result")
  .action(async (flags: Omit<OverloadOptions, "log"> & { json?: true }) => {
    const log = (line: string) => {
      if (!flags.json) console.log(line);
    };
    const result = await drillOverload({ ...flags, log });
    console.log(JSON.stringify(result));
    const { slower, refusedMs, failed, recoveredMs } = result;
    const passed = slower <= 3 && refusedMs.p99 < 100 && failed === 0 && recoveredMs <= 10_000;
    process.exitCode = passed ? 0 : 1;
  });

program
  .command("soak")
  .description(
    "a steady load for minutes, each fault once, and what is left in memory and connections",
  )
  .option("--minutes <n>", "for how long", wholeNumber, 10)
  .option("--json", "print nothing but the result")
  .action(async (flags: Omit<SoakOptions, "log"> & { json?: true }) => {
    const log = (line: string) => {
      if (!flags.json) console.log(line);
    };
    const result = await drillSoak({ ...flags, log });
    console.log(JSON.stringify(result));
    const { lost, dualLeader, hands, memory, connections } = result;
    const flat = memory.every(({ ratio }) => ratio <= 1.1);
    const noneLeaked = connections.every(({ before, after }) => after <= before);
    const passed = lost + dualLeader + hands.length === 0 && flat && noneLeaked;
    process.exitCode = passed ? 0 : 1;
  });

program
  .command("chaos")
  .description("clients of every kind, faults from a seed, and checkers over the history of it all")
  .option("--minutes <n>", "how long faults are made", wholeNumber, 3)
  .option("--seed <n>", "of the faults", wholeNumber, Date.now() % 100_000)
  .option("--dir <folder>", "for the history and the final states; default artifacts/chaos-<seed>")
  .addOption(new Option("--only <kinds...>", "of faults, and no others").choices(FAULT_KINDS))
  .option("--previous <commit>", "an earlier version, whose workers take part on these databases")
  .option("--json", "print nothing but the result")
  .action(async (flags: ChaosFlags) => {
    const log = (line: string) => {
      if (!flags.json) console.log(line);
    };
    const { minutes, seed, previous = null, only = null } = flags;
    const dir = path.resolve(flags.dir ?? `artifacts/chaos-${seed}`);
    const result = await drillChaos({ minutes, seed, dir, previous, only, log });
    log(`kept in ${dir}`);
    console.log(JSON.stringify(result));
    process.exitCode = result.violations.length === 0 ? 0 : 1;
  });

program
  .command("check")
  .description("judges a stored run of chaos again")
  .requiredOption("--history <folder>", "where it is")
  .action(({ history }: { history: string }) => {
    const violations = checkRun(path.resolve(history));
    console.log(JSON.stringify({ violations }));
    process.exitCode = violations.length === 0 ? 0 : 1;
  });

await program.parseAsync();
