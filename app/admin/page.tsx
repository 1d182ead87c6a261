import type { Metadata } from "next";
import Link from "next/link";
import { AlarmList } from "@/components/multi-region/alarm-list";
import { EventList } from "@/components/multi-region/event-list";
import { FailoverPanel } from "@/components/multi-region/failover-panel";
import { RegionMap } from "@/components/multi-region/region-map";
import { FlowTable, ReplicationFlows } from "@/components/multi-region/replication-flows";
import { RepairCheck } from "@/components/multi-region/repair-check";
import { MetricHistory } from "@/components/multi-region/metric-history";
import { RegionStatusDashboard } from "@/components/multi-region/region-status-dashboard";
import { RegionLabel } from "@/components/multi-region/region-names";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { requireAdmin } from "@/lib/auth/session";
import { REGIONS } from "@/lib/db/multi-region-config";
import { getEnv } from "@/lib/env";
import { gatherRegionStatus } from "@/lib/region-status";
import { getRequestContext } from "@/lib/request-context";

export const metadata: Metadata = { title: "Regions" };

export default async function AdminPage() {
  await requireAdmin();
  const { vantage } = await getRequestContext();
  const regions = await gatherRegionStatus(vantage, true);
  const places = REGIONS.map(({ id, city, latitude, longitude }) => ({
    id,
    city,
    latitude,
    longitude,
  }));
  return (
    <>
      <PageHeader
        title="Regions"
        actions={
          <>
            <Link href="/admin/conflicts" className={buttonClass("plain")}>
              Conflicts
            </Link>
            <Link href="/admin/dead-letters" className={buttonClass("plain")}>
              Dead letters
            </Link>
            <Link href="/admin/ledger" className={buttonClass("plain")}>
              Ledger
            </Link>
            <Link href="/admin/audit" className={buttonClass("plain")}>
              Audit
            </Link>
            {getEnv().control ? (
              <Link href="/admin/lab" className={buttonClass("plain")}>
                Fault lab
              </Link>
            ) : null}
          </>
        }
      >
        <p className="text-sm text-muted">
          As seen from <RegionLabel regionId={vantage} className="text-ink" />.
        </p>
      </PageHeader>
      <AlarmList key={`alarms ${vantage}`} />
      <RegionStatusDashboard initial={regions} key={vantage} />
      <section aria-labelledby="flows" className="mt-10 space-y-3">
        <h2 id="flows" className="text-lg font-semibold">
          Replication
        </h2>
        <div className="rounded-lg border border-line bg-surface p-2 sm:p-4">
          <RegionMap regions={places} here={vantage}>
            <ReplicationFlows regions={places} />
          </RegionMap>
        </div>
        <FlowTable />
      </section>
      <MetricHistory key={`history ${vantage}`} />
      <FailoverPanel key={`failover ${vantage}`} />
      <RepairCheck />
      <EventList key={`events ${vantage}`} />
    </>
  );
}
