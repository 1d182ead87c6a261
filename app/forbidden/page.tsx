import type { Metadata } from "next";
import { Forbidden } from "@/components/session/forbidden";

export const metadata: Metadata = { title: "Not allowed", robots: { index: false } };

/** Where the middleware sends what it refuses, with status 403. */
export default function ForbiddenPage() {
  return <Forbidden />;
}
