import { cn } from "@/components/ui/class-names";
import type { ContentStatus } from "@/lib/cms/types";
import { STATUS_NAMES } from "./content-text";

const TONES: Record<ContentStatus, string> = {
  draft: "border-line-strong bg-sunken text-muted",
  "in-review": "border-warn/35 bg-warn-tint text-warn",
  scheduled: "border-warn/35 bg-warn-tint text-warn",
  published: "border-ok/35 bg-ok-tint text-ok",
  archived: "border-line-strong bg-sunken text-muted",
};

export function ContentStatusBadge({ status }: { status: ContentStatus }) {
  return (
    <span
      data-status={status}
      className={cn(
        "inline-block rounded-full border px-2 text-xs leading-5 whitespace-nowrap",
        TONES[status],
      )}
    >
      {STATUS_NAMES[status]}
    </span>
  );
}
