"use client";

import { useRegionName } from "@/components/multi-region/region-names";
import { cn } from "@/components/ui/class-names";

/** How the free units are spread. A picture of the table beside it, and hidden from who hears that. */
export function RightsBar({ byRegion }: { byRegion: Readonly<Record<string, number>> }) {
  const nameOf = useRegionName();
  const total = Object.values(byRegion).reduce((sum, rights) => sum + rights, 0);
  return (
    <div aria-hidden className="flex h-3 gap-px overflow-hidden rounded-full bg-tint">
      {Object.entries(byRegion)
        .filter(([, rights]) => rights > 0)
        .map(([regionId, rights]) => (
          <div
            key={regionId}
            className={cn("motion-safe:transition-[width]", nameOf(regionId).tone)}
            style={{ width: `${(100 * rights) / Math.max(1, total)}%` }}
          />
        ))}
    </div>
  );
}
