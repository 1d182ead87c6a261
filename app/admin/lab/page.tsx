import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { FaultLab } from "@/components/lab/fault-lab";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { requireAdmin } from "@/lib/auth/session";
import { findLab } from "@/lib/lab/lab";

export const metadata: Metadata = { title: "Fault lab" };

export const dynamic = "force-dynamic";

export default async function LabPage() {
  if (!findLab()) notFound();
  await requireAdmin();
  return (
    <>
      <PageHeader
        title="Fault lab"
        actions={
          <Link href="/admin" className={buttonClass("plain")}>
            Regions
          </Link>
        }
      >
        <p className="max-w-prose text-sm text-muted">
          The faults are real: databases are killed, connections are cut. A client writes and reads
          meanwhile and counts what must never happen. Leaving this page mends everything and
          deletes what was written.
        </p>
      </PageHeader>
      <FaultLab />
    </>
  );
}
