import { Skeleton } from "@/components/ui/skeleton";

export default function Loading() {
  return (
    <Skeleton label="Reading the leaderboard">
      <div className="mb-6 space-y-2">
        <p className="text-2xl leading-tight font-semibold">Leaderboard</p>
        <p className="h-10 max-w-2xl rounded-md bg-tint" />
      </div>
      <div className="grid gap-6 lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)]">
        <div className="space-y-6">
          <p className="h-88 rounded-lg bg-tint" />
          <p className="h-56 rounded-lg bg-tint" />
        </div>
        <p className="h-144 rounded-lg bg-tint" />
      </div>
    </Skeleton>
  );
}
