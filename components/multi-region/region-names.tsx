"use client";

import { createContext, useContext, type ReactNode } from "react";
import { cn } from "@/components/ui/class-names";

export interface RegionName {
  id: string;
  /** Short name, such as a city. */
  city: string;
  name: string;
}

const Names = createContext<readonly RegionName[]>([]);

/** Makes the configured regions' names known to everything below. */
export function RegionNamesProvider({
  regions,
  children,
}: {
  regions: readonly RegionName[];
  children: ReactNode;
}) {
  return <Names.Provider value={regions}>{children}</Names.Provider>;
}

/** Literal, so that Tailwind finds them; a region keeps its colour as long as the order stays. */
const TONES = [
  "bg-region-1",
  "bg-region-2",
  "bg-region-3",
  "bg-region-4",
  "bg-region-5",
  "bg-region-6",
] as const;

/**
 * The name of a region or of an actor (`region#n`). An unknown one is called by its id: a region
 * may have left the configuration while rows still carry its name.
 */
export function useRegionName(): (idOrActor: string) => RegionName & { tone: string } {
  const regions = useContext(Names);
  return (idOrActor) => {
    const id = idOrActor.split("#", 1)[0] ?? idOrActor;
    const index = regions.findIndex((region) => region.id === id);
    const region = regions[index] ?? { id, city: id || "unknown region", name: id };
    return {
      ...region,
      tone: index < 0 ? "bg-faint" : (TONES[index % TONES.length] ?? "bg-faint"),
    };
  };
}

export function RegionDot({ regionId, className }: { regionId: string; className?: string }) {
  const { tone } = useRegionName()(regionId);
  return (
    <span
      aria-hidden
      className={cn("inline-block size-2 shrink-0 rounded-full", tone, className)}
    />
  );
}

/** A region's dot and city in running text. */
export function RegionLabel({ regionId, className }: { regionId: string; className?: string }) {
  const { city } = useRegionName()(regionId);
  return (
    <span className={cn("inline-flex items-baseline gap-1.5 whitespace-nowrap", className)}>
      <RegionDot regionId={regionId} className="self-center" />
      {city}
    </span>
  );
}
