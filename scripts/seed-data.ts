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
