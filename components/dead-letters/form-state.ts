import type { DeadLetterOutcome } from "@/lib/dead-letters/types";

/** What a form shows after it was sent and not settled; with and without JavaScript alike. */
export type DecisionState = { message: string; field?: string; typed?: string } | null;

/** Why nothing was settled, in words. Null for an outcome that settled the row. */
export function explain(outcome: DeadLetterOutcome): string | null {
  switch (outcome.kind) {
    case "drained":
    case "edited":
    case "discarded":
      return null;
    case "nothing":
      return "Nothing is parked for this row any more.";
    case "stale":
      return "More events of this row have arrived. Load the page again to see them.";
    case "failing":
      return `It still cannot be applied: ${outcome.message} (SQLSTATE ${outcome.sqlstate})`;
    case "refused":
      return `These columns cannot be set like this: ${outcome.columns.join(", ")}.`;
    case "elsewhere":
      return `Only ${outcome.leader} writes this entity. Change the row there, then retry here.`;
    default:
      return outcome satisfies never;
  }
}

/** What was done, by the word that the address of the list carries. */
export const DONE: Readonly<Record<string, string>> = {
  drained: "The events were applied, in order.",
  edited: "The edited row was written, and goes to every region.",
  discarded: "The events were discarded. Every region takes the row as it is there.",
  "discarded-here":
    "The events were discarded. That region differs from the others in this row until it is repaired.",
  nothing: "Nothing was parked for that row any more.",
};
