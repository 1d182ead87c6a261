/** `npm run worker` with CURRENT_REGION: the long-running part of one region. */
import { topologyFromEnv } from "@/lib/db/regions/topology";
import { RegionWorker } from "@/lib/db/replication/region-worker";
import { ConfigurationError, errorMessage } from "@/lib/errors";
import { getLogger } from "@/lib/log";

async function main(): Promise<void> {
  const worker = new RegionWorker(topologyFromEnv());
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= worker.stop().then(() => process.exit(0));
    // A link that swallows everything must not keep the process.
    setTimeout(() => process.exit(0), 3_000).unref();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  // Started by the local planet: its end is ours, however it came.
  process.on("disconnect", stop);
  await worker.run();
}

main().catch((error: unknown) => {
  if (error instanceof ConfigurationError) {
    process.stderr.write(`${errorMessage(error)}\n`);
  } else {
    getLogger("worker").fatal({ err: error }, "worker failed");
  }
  process.exit(1);
});
