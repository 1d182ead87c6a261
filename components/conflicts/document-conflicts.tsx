import type { ConflictItem } from "@/lib/conflicts/types";
import { ConflictList } from "./conflict-list";

/**
 * The conflicts of one document, for its owner's page: what `readDocumentConflicts(reader, id)` of
 * lib/conflicts/read.ts gave, with `reader = { ...actor, admin: false }`. Nothing is rendered where
 * there are none.
 */
export function DocumentConflicts({ conflicts }: { conflicts: ConflictItem[] }) {
  if (conflicts.length === 0) return null;
  const waiting = conflicts.filter(({ status }) => status === "open");
  const settled = conflicts.filter(({ status }) => status !== "open");
  const open = waiting.length;
  return (
    <section aria-labelledby="document-conflicts" className="space-y-3 border-t border-line pt-4">
      <h2 id="document-conflicts" className="text-sm font-semibold">
        Conflicts
      </h2>
      <p className="text-sm text-muted">
        {open === 0
          ? "Changed in several places at once. Nothing waits for you; what lost can be restored."
          : open === 1
            ? "One waits for your decision."
            : `${open} wait for your decision.`}
      </p>
      <ConflictList conflicts={[...waiting, ...settled]} base="/conflicts" narrow />
    </section>
  );
}
