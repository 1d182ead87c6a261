/** `npm run worker` with CURRENT_REGION: the long-running part of one region. */
import { Runtime } from "@/lib/db/regions/runtime";
import { topologyFromEnv } from "@/lib/db/regions/topology";
import { RegionWorker } from "@/lib/db/replication/region-worker";
import { getEnv } from "@/lib/env";
import { ConfigurationError, errorMessage } from "@/lib/errors";
import { armFailpoint } from "@/lib/failpoints";
import { getLogger } from "@/lib/log";
import { regionServices } from "@/lib/region-services";
import { startTelemetry } from "@/lib/telemetry/start";

async function main(): Promise<void> {
  const topology = topologyFromEnv();
  armFailpoint(getEnv().failpoint);
  await startTelemetry("meridian-worker");
  const region = topology.currentRegion;
  const runtime = new Runtime(() => topology);
  const worker = new RegionWorker(topology, region, regionServices(region, runtime));
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= Promise.all([worker.stop(), runtime.close()]).then(() => process.exit(0));
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
