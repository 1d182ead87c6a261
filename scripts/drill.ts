/** `npm run drill -- <name>`: faults on a local planet of its own, and what came of them. */
import { Command, Option } from "commander";
import { DURABILITIES, type Durability } from "@/lib/policy-defaults";
import { drillLeadership } from "./drill/leadership";
import { drillRestarts } from "./drill/restarts";

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`Not a whole number: ${text}`);
  return value;
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

await program.parseAsync();
