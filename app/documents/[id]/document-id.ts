import { notFound } from "next/navigation";
import { check, documentInput } from "@/lib/documents/validation";

/** The id in a page's path; what can't be one is a page that does not exist. */
export function parseDocumentId(segment: string): string {
  let documentId: string;
  try {
    documentId = decodeURIComponent(segment);
  } catch {
    notFound();
  }
  const input = check(documentInput, { documentId });
  return input.ok ? input.value.documentId : notFound();
}
