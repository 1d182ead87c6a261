import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { cache, type ReactNode } from "react";
import { requireActor } from "@/app/actor";
import { parseSlug } from "@/app/content/slug";
import { DocumentConflicts } from "@/components/conflicts/document-conflicts";
import { EditContentForm } from "@/components/content/content-forms";
import { ContentStatusBadge } from "@/components/content/content-status";
import { ForceSync } from "@/components/content/force-sync";
import { ContentMoves } from "@/components/content/moves";
import { NotHereYet } from "@/components/documents/not-here-yet";
import { WrittenNotice } from "@/components/documents/written-notice";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { RegionLabel } from "@/components/multi-region/region-names";
import { ResidencyForm } from "@/components/residency/residency-form";
import { Notice } from "@/components/ui/notice";
import { PageHeader } from "@/components/ui/page-header";
import { Time } from "@/components/ui/time";
import { readContent } from "@/lib/cms/read";
import { readArticleConflicts } from "@/lib/conflicts/read";
import { REGIONS } from "@/lib/db/multi-region-config";
import { readFlash } from "@/lib/request-context";
import { places, readPlacement } from "@/lib/residency/placements";

interface Props {
  params: Promise<{ slug: string }>;
}

/** Once per request, for the title and the page. */
const load = cache(async (segment: string) => {
  const actor = await requireActor(`/content/manage/${segment}`);
  return { actor, ...(await readContent(actor, parseSlug(segment))) };
});

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { value } = await load((await params).slug);
  return { title: value?.item.title ?? "Article" };
}

export default async function EditContentPage({ params }: Props) {
  const { actor, value, receipt } = await load((await params).slug);
  if (!value) return receipt.stale ? <NotHereYet receipt={receipt} /> : notFound();
  const { item, role, moves, versions, author } = value;
  const published = versions.find(({ id }) => id === item.publishedVersion);
  const path = `/content/manage/${item.id}`;
  const flash = await readFlash(path);
  const subject = { entity: "ContentItem", id: item.id } as const;
  const placement = await readPlacement(actor, subject);
  const conflicts = await readArticleConflicts(
    { ...actor, admin: role === "reviewer" },
    item.id,
    placement?.regions,
  );
  return (
    <>
      <PageHeader title={item.title}>
        <div className="flex flex-wrap items-center gap-2">
          <ContentStatusBadge status={item.status} />
          <ReceiptBadge receipt={receipt} />
        </div>
      </PageHeader>
      {/* Of the version that is shown: after another change it would be of an older one. */}
      <WrittenNotice flash={flash?.receipt.applied[item.origin] === item.position ? flash : null} />
      {item.undecided.length > 0 ? (
        <Notice tone="warn" title="Two versions wait for a decision." className="mb-6">
          This {item.undecided.map((field) => (field === "body" ? "text" : field)).join(" and ")}{" "}
          was written in two places at once. Choose under Conflicts; until then the article is not
          sent for review or published.
        </Notice>
      ) : null}
      <div className="grid gap-x-10 gap-y-8 lg:grid-cols-[minmax(0,1fr)_19rem]">
        <div className="min-w-0">
          <EditContentForm item={item} />
        </div>
        <aside className="min-w-0 space-y-6" aria-label="About this article">
          <Section title="Publication">
            <dl className="mb-4 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm [&_dt]:text-muted">
              <dt>Address</dt>
              <dd className="min-w-0 break-words">
                {item.publishedVersion ? (
                  <Link
                    href={`/content/${item.id}`}
                    className="text-accent underline underline-offset-2"
                  >
                    /content/{item.id}
                  </Link>
                ) : (
                  `/content/${item.id}`
                )}
              </dd>
              <dt>Public</dt>
              <dd>
                {published ? (
                  <>
                    <RegionLabel regionId={published.regionId} />
                    {", "}
                    <Time value={published.createdAt} />
                  </>
                ) : item.publishedVersion ? (
                  "a former version"
                ) : (
                  "nothing"
                )}
              </dd>
              {item.publishAt ? (
                <>
                  <dt>Due</dt>
                  <dd>
                    <Time value={item.publishAt} />
                  </dd>
                </>
              ) : null}
              <dt>Author</dt>
              <dd>{author.name ?? "unknown here"}</dd>
            </dl>
            <ContentMoves item={item} moves={moves} />
          </Section>
          <Section title="History">
            <Link
              href={`${path}/versions`}
              prefetch={false}
              className="text-sm text-accent underline underline-offset-2"
            >
              {versions.length === 1 ? "1 version" : `${versions.length} versions`}
            </Link>
          </Section>
          <DocumentConflicts conflicts={conflicts.value.items} />
          {role === "reviewer" || item.authorId === actor.userId ? (
            <Section title="Where it is kept">
              <ResidencyForm
                subject={subject}
                places={places()}
                residency={placement?.residency ?? null}
              />
            </Section>
          ) : null}
          {role === "reviewer" ? (
            <Section title="Replication">
              <ForceSync
                contentId={item.id}
                regions={REGIONS.map(({ id, city }) => ({ id, city }))}
              />
            </Section>
          ) : null}
        </aside>
      </div>
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="border-t border-line pt-4 first:border-t-0 first:pt-0 max-lg:first:border-t max-lg:first:pt-4">
      <h2 className="mb-2.5 text-sm font-semibold">{title}</h2>
      {children}
    </section>
  );
}
