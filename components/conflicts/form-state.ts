import type { ConflictVersion } from "@/lib/conflicts/types";
import type { RefusalCode } from "@/lib/documents/types";

/** What the decision's form shows after it was sent. Once decided, the page itself shows it. */
export type ConflictFormState =
  | { status: "idle" }
  | { status: "refused"; code: RefusalCode; message: string; value: string | null }
  | {
      status: "stale";
      message: string;
      /** What the field holds now. */
      versions: ConflictVersion[];
      /** The next decision is made knowing of it: the joined clock, as JSON. */
      shown: string;
      value: string | null;
    };

export const IDLE: ConflictFormState = { status: "idle" };
