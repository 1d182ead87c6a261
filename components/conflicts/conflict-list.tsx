import Link from "next/link";
import { RegionLabel } from "@/components/multi-region/region-names";
import { cn } from "@/components/ui/class-names";
import { Time } from "@/components/ui/time";
import type { ConflictItem, ConflictStatus } from "@/lib/conflicts/types";
import { choiceText, entityName, fieldName, STATUS_NAMES } from "./conflict-text";

const TONES: Record<ConflictStatus, string> = {
  open: "border-warn/35 bg-warn-tint text-warn",
  automatic: "border-line-strong bg-sunken text-muted",
  decided: "border-ok/35 bg-ok-tint text-ok",
};

export function StatusBadge({ status }: { status: ConflictStatus }) {
  return (
    <span
      className={cn(
        "inline-block rounded-full border px-2 text-xs leading-5 whitespace-nowrap",
        TONES[status],
      )}
    >
      {STATUS_NAMES[status]}
    </span>
  );
}

/** @param base where a conflict's page is: "/admin/conflicts" or "/conflicts" */
export function ConflictList({ conflicts, base }: { conflicts: ConflictItem[]; base: string }) {
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {conflicts.map((conflict) => (
        <li
          key={conflict.id}
          className="relative grid gap-x-6 gap-y-1 px-4 py-3 hover:bg-sunken sm:grid-cols-[minmax(0,1fr)_auto]"
        >
          <div className="min-w-0">
            <h2 className="truncate font-medium">
              <Link
                href={`${base}/${encodeURIComponent(conflict.id)}`}
                className="after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
              >
                {subject(conflict)}
              </Link>
            </h2>
            <p className="truncate text-sm text-muted">
              {fieldName(conflict.field)}, {conflict.strategy}, {conflict.versions} versions
              {conflict.decision ? `; ${decisionText(conflict.decision)}` : ""}
            </p>
          </div>
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted sm:flex-col sm:items-end sm:justify-center">
            <StatusBadge status={conflict.status} />
            <span className="inline-flex flex-wrap items-baseline gap-x-1.5">
              <RegionLabel regionId={conflict.detectedIn} />
              <span aria-hidden>·</span>
              <Time value={conflict.detectedAt} />
            </span>
          </div>
        </li>
      ))}
    </ul>
  );
}

export function subject({
  document,
  entityType,
  entityId,
}: Pick<ConflictItem, "document" | "entityType" | "entityId">): string {
  return document?.title
    ? `${entityName(entityType)}: ${document.title}${document.deleted ? " (deleted)" : ""}`
    : `${entityName(entityType)} ${entityId}`;
}

export function decisionText({ by, choice }: NonNullable<ConflictItem["decision"]>): string {
  const who = by.userId === "strategy" ? "a custom strategy" : (by.name ?? "an unknown account");
  return `${who} ${choiceText(choice)}`;
}
