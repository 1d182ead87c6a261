import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { DocumentRow } from "@/lib/documents/types";

/** What the document is now, next to what was typed over an older version of it. */
export function CurrentVersion({ current }: { current: DocumentRow }) {
  return (
    <section
      aria-label="Current version"
      className="rounded-md border border-line-strong bg-sunken px-4 py-3 text-sm"
    >
      <h2 className="flex flex-wrap items-baseline gap-x-2 font-medium">
        Now stored: {current.title}
        <span className="font-normal text-muted">
          saved in <RegionLabel regionId={current.origin} />, <Time value={current.updatedAt} />
        </span>
      </h2>
      <pre
        tabIndex={0}
        aria-label="Content that is stored"
        className="mt-2 max-h-60 overflow-auto font-sans break-words whitespace-pre-wrap"
      >
        {current.content}
      </pre>
    </section>
  );
}
