import type { Metadata } from "next";
import Link from "next/link";
import { AuditList } from "@/components/audit/audit-list";
import { RegionLabel } from "@/components/multi-region/region-names";
import { buttonClass } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { PageHeader } from "@/components/ui/page-header";
import { parseBefore, readAudit } from "@/lib/audit";
import { requireAdmin } from "@/lib/auth/session";
import { getRequestContext } from "@/lib/request-context";

export const metadata: Metadata = { title: "Audit" };

interface Props {
  searchParams: Promise<{ before?: string | string[] }>;
}

export default async function AuditPage({ searchParams }: Props) {
  await requireAdmin();
  const { vantage } = await getRequestContext();
  const before = parseBefore((await searchParams).before);
  const { records, next, missing } = await readAudit(vantage, before);
  return (
    <>
      <PageHeader
        title="Audit"
        actions={
          <Link href="/admin" className={buttonClass("plain")}>
            Regions
          </Link>
        }
      >
        <p className="max-w-2xl text-sm text-muted">
          What was done by hand, and with which result. Each region keeps what was done there.
        </p>
      </PageHeader>
      {missing.map((id) => (
        <Notice key={id} tone="warn" className="mb-4">
          <RegionLabel regionId={id} /> does not answer: what was done there is missing here.
        </Notice>
      ))}
      {records.length > 0 ? (
        <AuditList records={records} />
      ) : (
        <p className="text-sm text-muted">
          {before ? "Nothing was done before that." : "Nothing has been done by hand yet."}
        </p>
      )}
      <nav aria-label="Pages" className="mt-4 flex gap-2">
        {before ? (
          <Link href="/admin/audit" className={buttonClass("plain")}>
            Newest
          </Link>
        ) : null}
        {next ? (
          <Link
            href={`/admin/audit?before=${encodeURIComponent(next)}`}
            className={buttonClass("plain")}
          >
            Older
          </Link>
        ) : null}
      </nav>
    </>
  );
}
