import type { Metadata } from "next";
import { limitOf, parseBoardQuery } from "@/components/leaderboard/board-address";
import { Leaderboard } from "@/components/leaderboard/leaderboard";
import { PageHeader } from "@/components/ui/page-header";
import { REGIONS, type RegionId } from "@/lib/db/multi-region-config";
import { readBoard, readStanding } from "@/lib/gaming/read";
import { getRequestContext } from "@/lib/request-context";

export const metadata: Metadata = { title: "Leaderboard" };

interface Props {
  searchParams: Promise<{ region?: string | string[]; page?: string | string[] }>;
}

/** For everybody; who is signed in can play, and sees their place. */
export default async function LeaderboardPage({ searchParams }: Props) {
  const { user, vantage, token } = await getRequestContext();
  const query = parseBoardQuery(await searchParams, REGIONS);
  const actor = user && { userId: user.userId, vantage, token };
  const [board, standing] = await Promise.all([
    readBoard(
      actor ?? { userId: null, vantage },
      query.regionId as RegionId | null,
      limitOf(query),
    ),
    actor && readStanding(actor),
  ]);
  return (
    <>
      <PageHeader title="Leaderboard">
        <p className="max-w-2xl text-sm text-pretty text-muted">
          A score is written in the region where it was reached, and no other one is asked. Of a
          player’s scores the best stays, in whatever order regions hear of them, so all come to the
          same board. You see your own last score at once, from wherever you look.
        </p>
      </PageHeader>
      <Leaderboard
        query={query}
        board={board}
        regions={REGIONS.map(({ id }) => id)}
        player={user && standing ? { playerId: user.userId, standing } : null}
      />
    </>
  );
}
