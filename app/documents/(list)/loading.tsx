import { Skeleton } from "@/components/ui/skeleton";

/**
 * The list's own, not of the documents below it: a page that begins before it has been read has said
 * 200 already, and one that does not exist has to say 404.
 */
export default function Loading() {
  return (
    <Skeleton label="Reading your documents">
      <div className="mb-6 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        <div className="space-y-2">
          <p className="text-2xl leading-tight font-semibold">Documents</p>
          <p className="h-[30px] w-64 rounded-md bg-tint" />
        </div>
        <p className="h-9 w-36 rounded-md bg-tint" />
      </div>
      <p className="mb-4 h-10 rounded-md bg-tint" />
      <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
        {Array.from({ length: 8 }, (_, row) => (
          <li key={row} className="h-[4.6rem] px-4 py-4 sm:h-[4.1rem]">
            <p className="h-3.5 w-2/5 rounded bg-tint" />
            <p className="mt-3 h-3 w-3/5 rounded bg-tint" />
          </li>
        ))}
      </ul>
    </Skeleton>
  );
}
