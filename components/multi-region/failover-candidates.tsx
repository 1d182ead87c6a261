"use client";

import { cn } from "@/components/ui/class-names";
import { ORDER_KINDS, type CandidateView, type FailoverPreview } from "@/lib/failover-shape";
import {
  describeCount,
  describeMs,
  ORDER_CONSEQUENCES,
  ORDER_LABELS,
  RECOMMENDATION_LABELS,
  REFUSAL_TITLES,
} from "./failover-text";
import { RegionLabel, useRegionName } from "./region-names";
import { TypedOrder } from "./typed-order";

/** What it would cost to let each region lead, and the buttons that ask for it. */
export function FailoverCandidates({
  preview,
  onOrdered,
}: {
  preview: FailoverPreview;
  onOrdered: () => void;
}) {
  return (
    <ul className="space-y-3">
      {preview.candidates.map((candidate) => (
        <li
          key={candidate.regionId}
          data-candidate={candidate.regionId}
          data-refusal={candidate.refusal?.reason}
          className="space-y-3 rounded-lg border border-line bg-surface px-4 py-3.5"
        >
          <Heading candidate={candidate} preview={preview} />
          {candidate.leads && candidate.refusal ? null : (
            <>
              <Cost candidate={candidate} />
              <Orders candidate={candidate} preview={preview} onOrdered={onOrdered} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

function Heading({ candidate, preview }: { candidate: CandidateView; preview: FailoverPreview }) {
  const { refusal, recommended, leads } = candidate;
  const remaining = preview.leader?.leaseRemainingMs ?? null;
  return (
    <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
      <h4 className="font-medium">
        <RegionLabel regionId={candidate.regionId} />
      </h4>
      {leads && refusal?.reason === "already-leader" ? (
        <p className="text-sm text-muted">
          leads in epoch {preview.leader?.epoch}
          {remaining === null ? "" : `, ${describeMs(remaining)} of its lease left`}
        </p>
      ) : refusal ? (
        <p className="text-sm text-warn">
          {REFUSAL_TITLES[refusal.reason]} {refusal.message}
        </p>
      ) : recommended === "none" ? null : (
        <p className="text-sm text-muted">{RECOMMENDATION_LABELS[recommended]}</p>
      )}
    </div>
  );
}

function Cost({ candidate }: { candidate: CandidateView }) {
  const figures = [
    ["Behind", describeMs(candidate.behindMs)],
    ["Lacks", describeCount(candidate.lacks)],
    ["Left behind by a failover", describeCount(candidate.stranded)],
    ["Gap of a switchover, at least", describeMs(candidate.switchoverGapMs)],
    ["Gap of a failover, at least", describeMs(candidate.failoverGapMs)],
  ] as const;
  return (
    <dl className="grid grid-cols-2 gap-x-4 gap-y-2 text-sm sm:grid-cols-3 lg:grid-cols-5">
      {figures.map(([label, value]) => (
        <div key={label} className="min-w-0">
          <dt className="text-xs text-muted">{label}</dt>
          <dd className={cn("figures break-words", value.startsWith("unknown") && "text-muted")}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Orders({
  candidate: { regionId, refusal },
  preview,
  onOrdered,
}: {
  candidate: CandidateView;
  preview: FailoverPreview;
  onOrdered: () => void;
}) {
  const { city } = useRegionName()(regionId);
  if (refusal) return null;
  const leading = preview.leader?.leading ?? false;
  return (
    <div className="flex flex-wrap gap-2">
      {ORDER_KINDS.filter((kind) => kind === "failover" || leading).map((kind) => (
        <TypedOrder
          key={kind}
          url="/api/regions/failover"
          body={{ toRegion: regionId, kind }}
          word={regionId}
          label={`${ORDER_LABELS[kind]} to ${city}`}
          variant={kind === "switchover" ? "plain" : "danger"}
          onDone={onOrdered}
        >
          {ORDER_CONSEQUENCES[kind]}
        </TypedOrder>
      ))}
    </div>
  );
}
