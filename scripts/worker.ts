/** `npm run worker` with CURRENT_REGION: the long-running part of one region. */
import { ScheduledPublisher } from "@/lib/cms/scheduled-publisher";
import { ConflictRetention } from "@/lib/db/conflicts/conflict-retention";
import { CustomResolver } from "@/lib/db/conflicts/custom-resolver";
import { Runtime } from "@/lib/db/regions/runtime";
import { topologyFromEnv } from "@/lib/db/regions/topology";
import { RegionWorker } from "@/lib/db/replication/region-worker";
import { OrderSettler } from "@/lib/ecommerce/order-settler";
import { ReservationExpirer } from "@/lib/ecommerce/reservation-expirer";
import { RightsBalancer } from "@/lib/ecommerce/rights-balancer";
import { ConfigurationError, errorMessage } from "@/lib/errors";
import { Materialiser } from "@/lib/documents/text/materialiser";
import { getEnv } from "@/lib/env";
import { getLogger } from "@/lib/log";

async function main(): Promise<void> {
  const topology = topologyFromEnv();
  const region = topology.currentRegion;
  const runtime = new Runtime(() => topology);
  const worker = new RegionWorker(topology, region, (store) => [
    new Materialiser({ store }),
    new ConflictRetention(store, getEnv().conflictRetentionDays),
    new CustomResolver(() => runtime.clients.write(region, region)),
    new ReservationExpirer(store),
    new RightsBalancer(region, () => runtime),
    new OrderSettler(region, store, () => runtime),
    new ScheduledPublisher(store),
  ]);
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
