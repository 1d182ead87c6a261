import type { Metadata } from "next";
import Link from "next/link";
import { FailoverPanel } from "@/components/multi-region/failover-panel";
import { RegionStatusDashboard } from "@/components/multi-region/region-status-dashboard";
import { RegionLabel } from "@/components/multi-region/region-names";
import { Forbidden } from "@/components/session/forbidden";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { requireAdmin } from "@/lib/auth/session";
import { gatherRegionStatus } from "@/lib/region-status";
import { getRequestContext } from "@/lib/request-context";

export const metadata: Metadata = { title: "Regions" };

export default async function AdminPage() {
  const admin = await requireAdmin("/admin");
  if (!admin) return <Forbidden />;
  const { vantage } = await getRequestContext();
  const regions = await gatherRegionStatus(vantage, true);
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
          </>
        }
      >
        <p className="text-sm text-muted">
          As seen from <RegionLabel regionId={vantage} className="text-ink" />.
        </p>
      </PageHeader>
      <RegionStatusDashboard initial={regions} key={vantage} />
      <FailoverPanel key={`failover ${vantage}`} />
    </>
  );
}
