import type { PlacementRule } from "@/lib/residency/placements";

/** What the form says once it was said where something is kept. */
export function placedText({ residency }: PlacementRule): string {
  return residency === null
    ? "Every region may have it now, and gets it."
    : `It is kept in ${residency.toUpperCase()} now. The other regions give it up once it is there.`;
}
