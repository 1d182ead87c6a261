import type { PlacedEntity, Subject } from "@/lib/residency/where-it-is";

const NOUNS: Readonly<Record<PlacedEntity, string>> = {
  Document: "Document",
  ContentItem: "Article",
  User: "Account",
};

/** What it is called where nothing of it is known but its id. */
export function nameOf({ entity, id }: Subject): string {
  return `${NOUNS[entity]} ${id}`;
}

/** The page on which its owner works on it. */
export function pathOf({ entity, id }: Subject): string {
  switch (entity) {
    case "Document":
      return `/documents/${id}`;
    case "ContentItem":
      return `/content/manage/${id}`;
    case "User":
      return "/account";
    default:
      return entity satisfies never;
  }
}
