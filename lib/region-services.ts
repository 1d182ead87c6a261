import { ScheduledPublisher } from "@/lib/cms/scheduled-publisher";
import { ConflictRetention } from "@/lib/db/conflicts/conflict-retention";
import { CustomResolver } from "@/lib/db/conflicts/custom-resolver";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import type { RegionServices } from "@/lib/db/replication/region-worker";
import { Materialiser } from "@/lib/documents/text/materialiser";
import { OrderSettler } from "@/lib/ecommerce/order-settler";
import { ReservationExpirer } from "@/lib/ecommerce/reservation-expirer";
import { RightsBalancer } from "@/lib/ecommerce/rights-balancer";
import { getEnv } from "@/lib/env";

/** What this application adds to a region's worker. */
export function regionServices(region: RegionId, runtime: Runtime): RegionServices {
  return (store) => [
    new Materialiser({ store }),
    new ConflictRetention(store, getEnv().conflictRetentionDays),
    new CustomResolver(() => runtime.clients.write(region, region)),
    new ReservationExpirer(store),
    new RightsBalancer(region, () => runtime),
    new OrderSettler(region, store, () => runtime),
    new ScheduledPublisher(store),
  ];
}
