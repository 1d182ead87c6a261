import { createHash } from "node:crypto";
import { type ConflictVersion, type Json } from "@/lib/db/conflicts/conflict-record";
import { type DeletionRule, type EntityPolicy, type RowStrategy } from "@/lib/db/conflicts/policy";
import { type RegisterStrategy } from "@/lib/db/conflicts/policy";
import { mergeRows } from "./join-rows";
import { type Row } from "./row";

/** A choice between versions that had not seen each other. */
export interface Choice {
  /** A column, "*" for the whole row, "$deleted" for a deletion against an update. */
  readonly field: string;
  readonly strategy: RegisterStrategy | RowStrategy | DeletionRule;
  readonly versions: readonly ConflictVersion[];
}

export interface ConflictRecord extends Choice {
  readonly id: string;
  readonly entityType: string;
  readonly entityId: string;
  readonly outcome: "resolved" | "open";
}

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

/** As `jsonb::text`: keys by length and then by bytes, a blank after each colon and comma. */
export function jsonbText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => jsonbText(item)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const bytes = Object.entries(value).map(
    ([key, item]) => [Buffer.from(key), key, item as Json] as const,
  );
  const sorted = bytes.sort(([a], [b]) => a.length - b.length || Buffer.compare(a, b));
  return `{${sorted.map(([, key, item]) => `${JSON.stringify(key)}: ${jsonbText(item)}`).join(", ")}}`;
}

/**
 * The record of a choice. Its id follows from the versions, so that regions which make the same
 * choice write one record. The value is part of it because a write that lost at once was never
 * stored: its actor's next write has the same count.
 */
export function conflictRecord(
  entityType: string,
  entityId: string,
  choice: Choice,
): ConflictRecord {
  const marks = choice.versions
    .map(({ hlc, origin, value }) => `${hlc} ${origin} ${md5(jsonbText(value))}`)
    .sort();
  const id = md5([entityType, entityId, choice.field, marks.join(",")].join("|"));
  const isOpen = choice.strategy === "manual" || choice.strategy === "custom";
  return { ...choice, id, entityType, entityId, outcome: isOpen ? "open" : "resolved" };
}

/** What is recorded where these two versions meet. */
export function conflictsOf(
  policy: EntityPolicy,
  entityType: string,
  a: Row,
  b: Row,
): ConflictRecord[] {
  if (!policy.record) return [];
  return mergeRows(policy, a, b).choices.map((choice) => conflictRecord(entityType, a.id, choice));
}
