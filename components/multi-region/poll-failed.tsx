import { Notice } from "@/components/ui/notice";

/**
 * That what is polled can't be read now; nothing without an error.
 *
 * @param known whether an older answer is shown
 */
export function PollFailed({
  error,
  known,
  old,
  none,
}: {
  error: Error | undefined;
  known: boolean;
  /** The title over an older answer. */
  old: string;
  /** The title where there is none. */
  none: string;
}) {
  if (!error) return null;
  return (
    <Notice tone={known ? "warn" : "bad"} live title={known ? old : none}>
      {error.message} The page keeps trying.
    </Notice>
  );
}
