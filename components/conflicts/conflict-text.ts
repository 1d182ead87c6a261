import type { CONFLICT_STATUSES, Json } from "@/lib/conflicts/types";

type Status = (typeof CONFLICT_STATUSES)[number];

export const STATUS_NAMES: Record<Status, string> = {
  open: "Open",
  automatic: "Resolved automatically",
  decided: "Decided",
};

const ENTITIES: Readonly<Record<string, string>> = {
  User: "Account",
  Document: "Document",
  Collaborator: "Share",
  ContentItem: "Article",
};

export function entityName(entityType: string): string {
  return ENTITIES[entityType] ?? entityType;
}

export function fieldName(field: string): string {
  if (field === "*") return "whole row";
  if (field === "body") return "text";
  return field === "$deleted" ? "deletion" : field;
}

const STRATEGIES: Readonly<Record<string, string>> = {
  "last-write-wins": "Of the writes, the last one wins, by the clocks of the regions.",
  "first-write-wins": "The write that came first is kept.",
  max: "The greater value wins.",
  min: "The lesser value wins.",
  manual: "Nobody is overwritten: all versions are kept until a person decides.",
  custom: "A function of the application decides.",
  merge: "A function of the application made one value of both.",
  text: "Texts are merged line by line; the same lines were changed.",
  "delete-wins": "A deletion wins against a change made at the same time.",
  "update-wins": "A change wins against a deletion made at the same time.",
};

/** What the strategy does, in a sentence; an unknown one is called by its name. */
export function strategySentence(strategy: string): string {
  return STRATEGIES[strategy] ?? `The strategy was ${strategy}.`;
}

const CHOICES: Readonly<Record<string, string>> = {
  kept: "kept the version that won",
  restored: "restored a version that had lost",
  edited: "wrote something else",
  computed: "computed it",
};

export function choiceText(choice: string): string {
  return CHOICES[choice] ?? choice;
}

/** What happened, as the opening sentence of a conflict's page. */
export function happened({
  entityType,
  field,
  versions,
}: {
  entityType: string;
  field: string;
  versions: readonly unknown[];
}): string {
  const what = entityName(entityType).toLowerCase();
  if (field === "$deleted") {
    return `This ${what} was deleted and changed, and neither side knew of the other.`;
  }
  const part = field === "*" ? "" : `the ${fieldName(field)} of `;
  const [count, unaware] =
    versions.length === 2
      ? ["Two", "neither knew of the other"]
      : [String(versions.length), "none knew of the others"];
  return `${count} versions of ${part}this ${what} were written, and ${unaware}.`;
}

/** Whether a version of a "$deleted" record is the deletion. */
export function isDeletion(value: Json): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    typeof (value as Readonly<Record<string, Json>>).deletedAt === "string"
  );
}

/** A value as text to read and compare: a text as it is, columns one by one. */
export function valueText(value: Json): string {
  if (typeof value === "string") return value;
  if (value === null) return "";
  if (typeof value !== "object" || Array.isArray(value)) return JSON.stringify(value);
  return Object.entries(value as Readonly<Record<string, Json>>)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([column, inner]) =>
        `${column}: ${typeof inner === "string" ? inner : JSON.stringify(inner)}`,
    )
    .join("\n");
}

export function clockText(clock: Readonly<Record<string, number>>): string {
  const entries = Object.entries(clock).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([actor, count]) => `${actor} ${count}`).join(", ") || "nothing";
}
