import type { PlacedEntity, Subject } from "@/lib/residency/where-it-is";

const NOUNS: Readonly<Record<PlacedEntity, string>> = {
  Document: "Document",
  ContentItem: "Article",
};

/** What it is called where nothing of it is known but its id. */
export function nameOf({ entity, id }: Subject): string {
  return `${NOUNS[entity]} ${id}`;
}

/** The page on which its owner works on it. */
export function pathOf({ entity, id }: Subject): string {
  return entity === "Document" ? `/documents/${id}` : `/content/manage/${id}`;
}
