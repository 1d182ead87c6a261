"use client";

import { PageError, type PageErrorProps } from "@/components/ui/page-error";

export default function LeaderboardError(props: PageErrorProps) {
  return <PageError {...props} title="The leaderboard could not be read" />;
}
