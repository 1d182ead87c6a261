import { ChevronRight } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { requireActor } from "@/app/actor";
import { RestoreVersion } from "@/components/documents/restore-version";
import { NotHereYet } from "@/components/documents/not-here-yet";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { RegionLabel } from "@/components/multi-region/region-names";
import { buttonClass } from "@/components/ui/button";
import { PageHeader } from "@/components/ui/page-header";
import { Time } from "@/components/ui/time";
import { readHistory } from "@/lib/documents/read";
import type { DocumentRow } from "@/lib/documents/types";
import { parseDocumentId } from "@/app/documents/[id]/document-id";

export const metadata: Metadata = { title: "History" };

export default async function VersionsPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const actor = await requireActor(`/documents/${id}/versions`);
  const { value: page, receipt } = await readHistory(actor, parseDocumentId(id));
  if (!page) return receipt.stale ? <NotHereYet receipt={receipt} /> : notFound();
  const { document, versions } = page;
  return (
    <>
      <PageHeader
        title={`History of ${document.title}`}
        actions={
          <Link href={`/documents/${id}`} className={buttonClass("plain")}>
            Back to the document
          </Link>
        }
      >
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <ol className="divide-y divide-line rounded-lg border border-line bg-surface">
        {versions.map((version, index) => (
          <li key={version.id}>
            <details open={index === 0} className="group">
              <summary className="flex cursor-pointer flex-wrap items-baseline gap-x-3 gap-y-0.5 px-4 py-3 hover:bg-sunken">
                <ChevronRight
                  aria-hidden
                  className="size-4 self-center text-faint transition-transform group-open:rotate-90"
                />
                <span className="min-w-0 flex-1 basis-48 truncate font-medium">
                  {version.title}
                </span>
                <span className="text-sm text-muted">
                  {version.author.name ?? "an unknown account"}
                </span>
                <span className="inline-flex items-baseline gap-1.5 text-sm text-muted">
                  <RegionLabel regionId={version.regionId} />
                  <span aria-hidden>·</span>
                  <Time value={version.createdAt} />
                </span>
              </summary>
              <div className="space-y-3 px-4 pb-4">
                {version.summary ? <p className="text-sm break-words">{version.summary}</p> : null}
                <pre
                  tabIndex={0}
                  aria-label="Content of this version"
                  className="max-h-80 overflow-auto rounded-md bg-sunken px-3.5 py-3 font-sans text-sm break-words whitespace-pre-wrap"
                >
                  {version.content}
                </pre>
                {document.access === "viewer" || isCurrent(version, document) ? null : (
                  <RestoreVersion document={pick(document)} version={version} />
                )}
              </div>
            </details>
          </li>
        ))}
      </ol>
    </>
  );
}

/** What the form needs: the text is not sent along with each version. */
function pick({ id, clock, title, summary }: DocumentRow) {
  return { id, clock, title, summary };
}

type Saved = Pick<DocumentRow, "title" | "summary" | "content">;

function isCurrent(version: Saved, document: Saved): boolean {
  return (["title", "summary", "content"] as const).every(
    (field) => version[field] === document[field],
  );
}
