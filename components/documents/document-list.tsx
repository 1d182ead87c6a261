import Link from "next/link";
import { RegionLabel } from "@/components/multi-region/region-names";
import { buttonClass } from "@/components/ui/button";
import { Time } from "@/components/ui/time";
import { FIRST_PAGE, listAddress, type ListQuery } from "@/lib/documents/list-query";
import type { DocumentListItem } from "@/lib/documents/types";

const EMPTY = "rounded-lg border border-dashed border-line-strong px-6 py-14 text-center";

export function DocumentList({
  documents,
  query = FIRST_PAGE,
}: {
  documents: DocumentListItem[];
  query?: ListQuery;
}) {
  if (documents.length === 0) {
    if (query.search) return <NoMatch query={query} />;
    return query.from ? <NothingLeft query={query} /> : <NoDocuments />;
  }
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {documents.map((document) => (
        <li
          key={document.id}
          className="relative grid gap-x-6 gap-y-0.5 px-4 py-3 hover:bg-sunken sm:grid-cols-[minmax(0,1fr)_auto]"
        >
          <div className="min-w-0">
            <h2 className="truncate font-medium">
              <Link
                href={`/documents/${document.id}`}
                className="after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
              >
                {document.title}
              </Link>
            </h2>
            <p className="truncate text-sm text-muted">{document.excerpt}</p>
          </div>
          <div className="flex flex-wrap items-baseline gap-x-3 text-xs text-muted sm:flex-col sm:items-end sm:justify-center sm:gap-y-0.5">
            <span className="inline-flex items-baseline gap-1.5">
              <RegionLabel regionId={document.origin} />
              <span aria-hidden>·</span>
              {query.sort === "created" ? "created " : null}
              <Time value={query.sort === "created" ? document.createdAt : document.updatedAt} />
            </span>
            <span>{describeAccess(document)}</span>
          </div>
        </li>
      ))}
    </ul>
  );
}

function describeAccess(document: DocumentListItem): string {
  if (document.access !== "owner") {
    const owner = document.owner.name ?? "an unknown account";
    return `${document.access === "editor" ? "you can edit" : "you can view"}, owned by ${owner}`;
  }
  if (document.collaborators === 0) return "only you";
  return document.collaborators === 1
    ? "shared with 1 person"
    : `shared with ${document.collaborators} people`;
}

function NoMatch({ query }: { query: ListQuery }) {
  return (
    <div className={EMPTY}>
      <h2 className="font-medium break-words">Nothing matches “{query.search}”</h2>
      <p className="mx-auto mt-1 max-w-md text-sm text-muted">
        Each word has to be in a document’s title or its summary. What the documents say is not
        searched.
      </p>
      <Link
        href={`/documents${listAddress({ ...query, search: "", from: null })}`}
        className={buttonClass("plain", "mt-5")}
      >
        Show all documents
      </Link>
    </div>
  );
}

/** The address of a page whose documents have gone since. */
function NothingLeft({ query }: { query: ListQuery }) {
  return (
    <div className={EMPTY}>
      <h2 className="font-medium">Nothing on this page any more</h2>
      <Link
        href={`/documents${listAddress({ ...query, from: null })}`}
        className={buttonClass("plain", "mt-5")}
      >
        To the first page
      </Link>
    </div>
  );
}

function NoDocuments() {
  return (
    <div className={EMPTY}>
      <h2 className="font-medium">No documents yet</h2>
      <p className="mx-auto mt-1 max-w-md text-sm text-muted">
        Write one here, then look at it from another region. What others share with you appears here
        too.
      </p>
      <Link href="/documents/new" className={buttonClass("primary", "mt-5")}>
        Write the first one
      </Link>
    </div>
  );
}
