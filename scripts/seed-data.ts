export interface DemoAccount {
  email: string;
  name: string;
  role: "admin" | "user";
}

export const DEMO_ACCOUNTS: readonly DemoAccount[] = [
  { email: "admin@example.com", name: "Administrator", role: "admin" },
  { email: "writer@example.com", name: "Writer", role: "user" },
  { email: "reader@example.com", name: "Reader", role: "user" },
];

export interface DemoDocument {
  /** Fixed, so that seeding again finds it. */
  id: string;
  title: string;
  content: string;
  ownerEmail: string;
  sharedWith: readonly { email: string; role: "viewer" | "editor" }[];
}

export const DEMO_DOCUMENTS: readonly DemoDocument[] = [
  {
    id: "demo-start-here",
    title: "Start here",
    content: [
      "Save a change to this page, then move yourself to another region with “View from” and open",
      "it again. The badge on each page names the region that answered, how long it took, and",
      "whether the read waited there or was sent on to a region that had your change already.",
    ].join(" "),
    ownerEmail: "writer@example.com",
    sharedWith: [
      { email: "reader@example.com", role: "viewer" },
      { email: "admin@example.com", role: "editor" },
    ],
  },
  {
    id: "demo-meeting-notes",
    title: "Meeting notes",
    content: "Two people can edit this one. Sign in as the reader in a second browser to see both.",
    ownerEmail: "writer@example.com",
    sharedWith: [{ email: "reader@example.com", role: "editor" }],
  },
  {
    id: "demo-reading-list",
    title: "Reading list",
    content: "Owned by the reader and shared with the writer, who may read it but not change it.",
    ownerEmail: "reader@example.com",
    sharedWith: [{ email: "writer@example.com", role: "viewer" }],
  },
];

export interface DemoProduct {
  /** Fixed, so that seeding again finds it. */
  id: string;
  name: string;
  stock: number;
}

export const DEMO_PRODUCTS: readonly DemoProduct[] = [
  { id: "demo-ticket", name: "Ticket for the equator crossing", stock: 1_000 },
  { id: "demo-globe", name: "Desk globe", stock: 60 },
];

export interface DemoScore {
  playerId: string;
  score: number;
  /** When it was reached, in ms since the Unix epoch. */
  atMs: number;
}

const BOARD_BEGAN_MS = Date.UTC(2026, 0, 5, 9);

/** A board of nobody in particular, with some equal scores far down. */
export const DEMO_SCORES: readonly DemoScore[] = Array.from({ length: 60 }, (_, n) => ({
  playerId: `player-${String(n + 1).padStart(3, "0")}`,
  score: Math.round((2_480 * Math.exp(-n / 28)) / 20) * 20,
  atMs: BOARD_BEGAN_MS + ((n * 37) % 60) * 3_600_000,
}));

export interface DemoArticle {
  /** Fixed, so that seeding again finds it. */
  slug: string;
  title: string;
  body: string;
  /** Otherwise it is a draft. */
  published: boolean;
}

/** Written by the demo writer, published by the demo administrator. */
export const DEMO_ARTICLES: readonly DemoArticle[] = [
  {
    slug: "one-page-three-regions",
    title: "One page, three regions",
    body: [
      "Each region shows the version that its own database has. Publish a change in one of them and look from another: the page there changes once the change has arrived, and not before.",
      "The line under the title says which region answered, which version it has, and since when the text has been kept.",
    ].join("\n\n"),
    published: true,
  },
  {
    slug: "how-a-draft-becomes-public",
    title: "How a draft becomes public",
    body: [
      "An author writes and sends for review. A reviewer publishes, at once or at a time.",
      "What is public is one version of the text. A later draft does not show until somebody has published it.",
    ].join("\n\n"),
    published: true,
  },
  {
    slug: "written-in-two-places",
    title: "Written in two places",
    body: "Open this draft in two browsers, view from two regions, and save two texts at the same time. Neither is lost: both wait for somebody to choose.",
    published: false,
  },
];
