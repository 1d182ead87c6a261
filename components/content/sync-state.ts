import type { ForcedSync } from "@/lib/cms/content-sync";

export type SyncState =
  | { status: "idle" }
  | { status: "done"; done: ForcedSync }
  | { status: "refused"; message: string };
