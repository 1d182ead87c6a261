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

/**
 * @param base where a conflict's page is: "/admin/conflicts" or "/conflicts"
 * @param narrow beside the document or article itself, which then need not be named
 */
export function ConflictList({
  conflicts,
  base,
  narrow = false,
}: {
  conflicts: ConflictItem[];
  base: string;
  narrow?: boolean;
}) {
  const Heading = narrow ? "h3" : "h2";
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {conflicts.map((conflict) => (
        <li
          key={conflict.id}
          className={cn(
            "relative grid gap-x-6 gap-y-1 px-4 py-3 hover:bg-sunken",
            !narrow && "sm:grid-cols-[minmax(0,1fr)_auto]",
          )}
        >
          <div className="min-w-0">
            <Heading className="truncate font-medium">
              <Link
                href={`${base}/${encodeURIComponent(conflict.id)}`}
                className="after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
              >
                {narrow ? part(conflict) : subject(conflict)}
              </Link>
            </Heading>
            <p className={cn("text-sm text-muted", !narrow && "truncate")}>
              {narrow ? "" : `${fieldName(conflict.field)}, `}
              {conflict.versions} versions
              {narrow ? "" : `, strategy ${conflict.strategy}`}
              {conflict.decision ? `; ${decisionText(conflict.decision)}` : ""}
            </p>
          </div>
          <div
            className={cn(
              "flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted",
              !narrow && "sm:flex-col sm:items-end sm:justify-center",
            )}
          >
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
  article,
  entityType,
  entityId,
}: Pick<ConflictItem, "document" | "article" | "entityType" | "entityId">): string {
  if (article) return `${entityName(entityType)}: ${article.title}`;
  return document?.title
    ? `${entityName(entityType)}: ${document.title}${document.deleted ? " (deleted)" : ""}`
    : `${entityName(entityType)} ${entityId}`;
}

/** What of it, where that is known. */
function part({ entityType, field }: ConflictItem): string {
  const name = fieldName(field);
  return entityType === "Document" || entityType === "ContentItem"
    ? name.charAt(0).toUpperCase() + name.slice(1)
    : `${entityName(entityType)}, ${name}`;
}

export function decisionText({ by, choice }: NonNullable<ConflictItem["decision"]>): string {
  const who = by.userId === "strategy" ? "a custom strategy" : (by.name ?? "an unknown account");
  return `${who} ${choiceText(choice)}`;
}
