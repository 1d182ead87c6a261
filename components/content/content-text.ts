import type { ContentStatus, VersionAction } from "@/lib/cms/types";

export const STATUS_NAMES: Record<ContentStatus, string> = {
  draft: "Draft",
  "in-review": "In review",
  scheduled: "Scheduled",
  published: "Published",
  archived: "Archived",
};

export const ACTION_NAMES: Record<VersionAction, string> = {
  created: "Created",
  edited: "Edited",
  restored: "Restored",
  resolved: "Conflict decided",
  submitted: "Sent for review",
  returned: "Taken back to draft",
  published: "Published",
  scheduled: "Scheduled",
  unscheduled: "Schedule called off",
  archived: "Archived",
  reopened: "Taken up again",
};

/** A text as paragraphs: an empty line parts them. */
export function paragraphs(body: string): string[] {
  return body
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .filter(Boolean);
}
