import { Skeleton } from "@/components/ui/skeleton";

export default function Loading() {
  return (
    <Skeleton label="Reading the inventory">
      <div className="mb-6 space-y-2">
        <p className="text-2xl leading-tight font-semibold">Inventory</p>
        <p className="h-10 max-w-2xl rounded-md bg-tint" />
      </div>
      <p className="mb-4 h-56 rounded-lg bg-tint" />
      <p className="h-56 rounded-lg bg-tint" />
    </Skeleton>
  );
}
