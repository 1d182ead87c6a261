"use client";

import { useRef } from "react";
import { setView } from "@/app/actions/session-actions";
import { RegionDot } from "./region-names";

export interface ViewPlace {
  id: string;
  city: string;
  /** The region nearest to the place. */
  regionId: string;
  /** Whether the place is the region's own. */
  isRegion: boolean;
}

/** Moves the visitor; only on the local planet. Without JavaScript the button sends the form. */
export function ViewFrom({ places, current }: { places: ViewPlace[]; current: string }) {
  const form = useRef<HTMLFormElement>(null);
  const place = places.find((candidate) => candidate.id === current) ?? places[0];
  return (
    <form ref={form} action={setView} className="flex items-center gap-2 text-sm">
      <label htmlFor="view-from" className="text-muted max-sm:sr-only">
        View from
      </label>
      <span className="relative flex items-center">
        {place ? <RegionDot regionId={place.regionId} className="absolute left-2.5" /> : null}
        <select
          id="view-from"
          name="place"
          key={current}
          defaultValue={current}
          onChange={() => form.current?.requestSubmit()}
          className="h-8 rounded-md border border-line-strong bg-surface pr-2 pl-6 hover:border-faint"
        >
          <Options places={places.filter(({ isRegion }) => isRegion)} />
          <optgroup label="Elsewhere">
            <Options places={places.filter(({ isRegion }) => !isRegion)} />
          </optgroup>
        </select>
      </span>
      <noscript>
        <button type="submit" className="h-8 rounded-md border border-line-strong px-2.5">
          Go
        </button>
      </noscript>
    </form>
  );
}

function Options({ places }: { places: ViewPlace[] }) {
  return places.map(({ id, city }) => (
    <option key={id} value={id}>
      {city}
    </option>
  ));
}
