import { cn } from "@/components/ui/class-names";

/** Literal, so that Tailwind finds them. By the class of a region's dot. */
const STROKES: Record<string, string> = {
  "bg-region-1": "stroke-region-1",
  "bg-region-2": "stroke-region-2",
  "bg-region-3": "stroke-region-3",
  "bg-region-4": "stroke-region-4",
  "bg-region-5": "stroke-region-5",
  "bg-region-6": "stroke-region-6",
};

/** Beside the colour, for those who don't see it. */
const DASHES: Record<string, string> = {
  "bg-region-2": "7 3",
  "bg-region-3": "2 3",
  "bg-region-4": "10 3 2 3",
  "bg-region-5": "5 2",
  "bg-region-6": "1 4",
};

export function lineStyle(tone: string): { className: string; strokeDasharray?: string } {
  return { className: STROKES[tone] ?? "stroke-faint", strokeDasharray: DASHES[tone] };
}

/** A piece of the line, for the legend. */
export function LineSample({ tone, className }: { tone: string; className?: string }) {
  return (
    <svg aria-hidden viewBox="0 0 20 6" className={cn("h-1.5 w-5 shrink-0", className)}>
      <path d="M0 3h20" fill="none" strokeWidth="2" {...lineStyle(tone)} />
    </svg>
  );
}
