import { ChevronRight } from "lucide-react";
import { RegionLabel } from "@/components/multi-region/region-names";
import { Time } from "@/components/ui/time";
import type { ContentRow, ContentVersionRow } from "@/lib/cms/types";
import { ACTION_NAMES } from "./content-text";
import { RestoreContent } from "./moves";

/** Every change, newest first, with who made it, where and when. */
export function ContentHistory({
  item,
  versions,
}: {
  item: ContentRow;
  versions: ContentVersionRow[];
}) {
  const { id, clock } = item;
  return (
    <ol className="divide-y divide-line rounded-lg border border-line bg-surface">
      {versions.map((version, index) => (
        <li key={version.id} data-version={version.name}>
          <details open={index === 0} className="group">
            <summary className="flex cursor-pointer flex-wrap items-baseline gap-x-3 gap-y-0.5 px-4 py-3 hover:bg-sunken">
              <ChevronRight
                aria-hidden
                className="size-4 self-center text-faint transition-transform group-open:rotate-90"
              />
              <span className="font-medium">{ACTION_NAMES[version.action]}</span>
              {version.id === item.publishedVersion ? (
                <span className="rounded-full border border-ok/35 bg-ok-tint px-2 text-xs leading-5 text-ok">
                  Public
                </span>
              ) : null}
              <span className="text-sm text-muted">
                {version.author.name ?? "an unknown account"}
              </span>
              <span className="text-sm text-muted">
                <RegionLabel regionId={version.regionId} />
              </span>
              <Time value={version.createdAt} className="text-sm text-muted" />
            </summary>
            <div className="space-y-3 px-4 pb-4">
              <p className="text-xs text-muted">
                Version <span className="figures">{version.name}</span>
                {version.publishAt ? (
                  <>
                    , to be published <Time value={version.publishAt} />
                  </>
                ) : null}
              </p>
              <p className="font-medium break-words">{version.title}</p>
              <pre
                tabIndex={0}
                aria-label={`Text of version ${version.name}`}
                className="max-h-80 overflow-auto rounded-md bg-sunken px-3.5 py-3 font-sans text-sm break-words whitespace-pre-wrap"
              >
                {version.body}
              </pre>
              {version.title === item.title && version.body === item.body ? null : (
                <RestoreContent item={{ id, clock }} versionId={version.id} />
              )}
            </div>
          </details>
        </li>
      ))}
    </ol>
  );
}
