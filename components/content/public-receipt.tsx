import { RegionLabel } from "@/components/multi-region/region-names";
import { Notice } from "@/components/ui/notice";
import { Time } from "@/components/ui/time";
import type { PublicReceipt } from "@/lib/cms/published";

/** Which region a public page is from, which version it has, and since when it is kept. */
export function PublicReceiptLine({
  receipt,
  version,
}: {
  receipt: PublicReceipt;
  /** Of a single article. */
  version?: string;
}) {
  const { regionId, vantage, cachedAt, lookedAt, current, fromCache, keptElsewhere, elapsedMs } =
    receipt;
  return (
    <div className="space-y-2" data-public-receipt={regionId} data-version={version}>
      <dl className="flex flex-wrap gap-x-5 gap-y-1 text-[0.8125rem] [&_dt]:text-muted [&>div]:flex [&>div]:flex-wrap [&>div]:gap-x-1.5">
        <div>
          <dt>Region</dt>
          <dd>
            <RegionLabel regionId={regionId} />
          </dd>
        </div>
        {version ? (
          <div>
            <dt>Version</dt>
            <dd className="figures">{version}</dd>
          </div>
        ) : null}
        <div>
          <dt>{keptElsewhere ? "Read at" : "Cached at"}</dt>
          <dd>
            <Time value={cachedAt} />
          </dd>
        </div>
        <div>
          <dt>Answered in</dt>
          <dd className="figures">
            {elapsedMs < 1 ? "<1" : Math.round(elapsedMs)} ms,{" "}
            {fromCache ? "from the cache" : "from the database"}
          </dd>
        </div>
      </dl>
      {current ? null : (
        <Notice tone="warn" title="This may be out of date.">
          The region does not answer. This is what it had when it was last asked,{" "}
          <Time value={lookedAt} />.
        </Notice>
      )}
      {keptElsewhere ? (
        <Notice tone="info">
          Served across: <RegionLabel regionId={vantage} /> must not have this article. Nothing of
          it is kept there.
        </Notice>
      ) : regionId === vantage ? null : (
        <Notice tone="info">
          <RegionLabel regionId={vantage} /> does not answer, so another region does.
        </Notice>
      )}
    </div>
  );
}
