import { Skeleton } from "@/components/ui/skeleton";

export default function Loading() {
  return (
    <Skeleton label="Reading the articles">
      <div className="mb-6 space-y-2">
        <p className="text-2xl leading-tight font-semibold">Articles</p>
        <p className="h-5 max-w-md rounded-md bg-tint" />
      </div>
      <p className="h-72 rounded-lg bg-tint" />
    </Skeleton>
  );
}
