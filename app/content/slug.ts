import { notFound } from "next/navigation";
import { contentIdInput } from "@/lib/cms/validation";

/** The slug in a page's path; what can't be one is a page that does not exist. */
export function parseSlug(segment: string): string {
  return findSlug(segment) ?? notFound();
}

export function findSlug(segment: string): string | null {
  const input = contentIdInput.safeParse({ contentId: segment });
  return input.success ? input.data.contentId : null;
}
