import { RegionLabel } from "@/components/multi-region/region-names";
import type { SyncState } from "./text-sync";

/** Where the edits are, and who else is here. Only what calls for attention is announced. */
export function LiveStatus({ state, id }: { state: SyncState; id?: string }) {
  return (
    <div
      id={id}
      data-live={state.phase}
      className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1 text-sm text-muted"
    >
      <p>
        <span>{state.phase === "saving" ? "Saving…" : null}</span>
        {state.phase === "saved" && state.regionId ? (
          <>
            Saved in <RegionLabel regionId={state.regionId} />
          </>
        ) : null}
        <span role="status" className={state.phase === "saved" ? undefined : "text-warn"}>
          {notable(state)}
        </span>
      </p>
      {state.present.length > 0 ? (
        <p>
          Also here:{" "}
          {state.present.map((person, index) => (
            <span key={person.userId}>
              {index > 0 ? ", " : null}
              <span className="text-ink">{person.name}</span> (
              <RegionLabel regionId={person.regionId} />)
            </span>
          ))}
        </p>
      ) : null}
    </div>
  );
}

function notable({ phase, unsent, merged, message }: SyncState): string | null {
  switch (phase) {
    case "offline":
      return unsent === 0
        ? "Offline. What you write is kept here."
        : `Offline: ${unsent === 1 ? "1 edit" : `${unsent} edits`} kept here.`;
    case "refused":
      return message ?? "Your last edits were not accepted.";
    case "saved":
      return merged ? ", merged with what others wrote." : null;
    case "loading":
    case "saving":
      return null;
    default:
      return phase satisfies never;
  }
}
