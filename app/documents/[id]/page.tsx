import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { cache, type ReactNode } from "react";
import { requireActor } from "@/app/actor";
import { DocumentConflicts } from "@/components/conflicts/document-conflicts";
import { DeleteDocument } from "@/components/documents/delete-document";
import { EditDocumentForm } from "@/components/documents/edit-document-form";
import { LiveArticle } from "@/components/documents/live/live-article";
import { Sharing, LeaveDocument } from "@/components/documents/sharing";
import { VersionFacts } from "@/components/documents/version-facts";
import { WrittenNotice } from "@/components/documents/written-notice";
import { NotHereYet } from "@/components/documents/not-here-yet";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { Notice } from "@/components/ui/notice";
import { ResidencyForm } from "@/components/residency/residency-form";
import { PageHeader } from "@/components/ui/page-header";
import { readDocumentConflicts } from "@/lib/conflicts/read";
import { places, readPlacement } from "@/lib/residency/placements";
import { readDocument } from "@/lib/documents/read";
import type { DocumentRow } from "@/lib/documents/types";
import { readFlash, type Flash } from "@/lib/request-context";
import { parseDocumentId } from "@/app/documents/[id]/document-id";

interface Props {
  params: Promise<{ id: string }>;
}

/** Once per request, for the title and the page. */
const load = cache(async (id: string) => {
  const actor = await requireActor(`/documents/${id}`);
  return { actor, ...(await readDocument(actor, parseDocumentId(id))) };
});

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { value: page } = await load((await params).id);
  return { title: page?.document.title ?? "Document" };
}

export default async function DocumentPage({ params }: Props) {
  const { id } = await params;
  const path = `/documents/${id}`;
  const { actor, value: page, receipt } = await load(id);
  if (!page) return receipt.stale ? <NotHereYet receipt={receipt} /> : notFound();
  const { document, collaborators, versions } = page;
  const owns = document.access === "owner";
  const placement = owns
    ? await readPlacement(actor, { entity: "Document", id: document.id })
    : null;
  const conflicts = owns
    ? await readDocumentConflicts({ ...actor, admin: false }, document.id, placement?.regions)
    : null;
  return (
    <>
      <PageHeader title={document.title}>
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <WrittenNotice flash={await readFlashOf(document, path)} />
      {document.pending ? (
        <Notice tone="warn" title="A newer version is waiting." className="mb-6">
          This region has received a later version of the document and could not store it. An
          administrator can see why.
        </Notice>
      ) : null}
      <div className="grid gap-x-10 gap-y-8 lg:grid-cols-[minmax(0,1fr)_19rem]">
        {document.access === "viewer" ? (
          <div className="min-w-0 space-y-4">
            {document.summary ? <p className="text-muted break-words">{document.summary}</p> : null}
            <LiveArticle documentId={document.id} initialText={document.content} />
          </div>
        ) : (
          <EditDocumentForm document={document} userId={actor.userId} />
        )}
        <aside className="min-w-0 space-y-6" aria-label="About this document">
          <Section title="Version">
            <VersionFacts document={document} />
            <Link
              href={`${path}/versions`}
              // The page is rendered anew with each save; nobody follows this link each time.
              prefetch={false}
              className="mt-3 inline-block text-sm text-accent underline underline-offset-2"
            >
              History, {versions === 1 ? "1 saved version" : `${versions} saved versions`}
            </Link>
          </Section>
          {conflicts ? <DocumentConflicts conflicts={conflicts.value.items} /> : null}
          {document.access === "owner" ? (
            <>
              <Section title="Sharing">
                <Sharing documentId={document.id} collaborators={collaborators} />
              </Section>
              <Section title="Where it is kept">
                <ResidencyForm
                  subject={{ entity: "Document", id: document.id }}
                  places={places()}
                  residency={placement?.residency ?? null}
                />
              </Section>
              <Section title="Deletion">
                <DeleteDocument documentId={document.id} />
              </Section>
            </>
          ) : (
            <Section title="Sharing">
              <p className="mb-3 text-sm text-muted">
                {document.owner.name ?? "An account unknown here"} shared this with you. You can{" "}
                {document.access === "editor" ? "view and edit" : "view"} it.
              </p>
              <LeaveDocument documentId={document.id} userId={actor.userId} />
            </Section>
          )}
        </aside>
      </div>
    </>
  );
}

/** Of the version that is shown: after another save, "Created." would be of an older one. */
async function readFlashOf({ origin, position }: DocumentRow, path: string): Promise<Flash | null> {
  const flash = await readFlash(path);
  return flash?.receipt.applied[origin] === position ? flash : null;
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="border-t border-line pt-4 first:border-t-0 first:pt-0 max-lg:first:border-t max-lg:first:pt-4">
      <h2 className="mb-2.5 text-sm font-semibold">{title}</h2>
      {children}
    </section>
  );
}
