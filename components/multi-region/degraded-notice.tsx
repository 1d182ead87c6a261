import { Notice } from "@/components/ui/notice";

/** For everyone, in words that say what is different for them: nothing is lost, some things take longer. */
export function DegradedNotice() {
  return (
    <Notice live title="Redis is away.">
      <p>
        Everything can be read and written, and nothing is lost. Until it is back, changes take
        longer to reach other regions and your other devices, and who has a document open is not
        known.
      </p>
    </Notice>
  );
}
