"use client";

import { useActionState } from "react";
import { forceSyncForm } from "@/app/actions/content-actions";
import { useRegionName } from "@/components/multi-region/region-names";
import { Notice } from "@/components/ui/notice";
import { inputClass } from "@/components/ui/field";
import { SubmitButton } from "@/components/ui/submit-button";
import type { SyncState } from "./sync-state";

/** For administrators: sends what one region has of an article to all others once more. */
export function ForceSync({
  contentId,
  regions,
}: {
  contentId: string;
  regions: readonly { id: string; city: string }[];
}) {
  const [state, action] = useActionState<SyncState, FormData>(forceSyncForm, { status: "idle" });
  const name = useRegionName();
  return (
    <form action={action} className="space-y-2">
      <input type="hidden" name="contentId" value={contentId} />
      <label className="flex flex-col gap-1.5 text-sm font-medium">
        Send again from
        <select name="sourceRegion" className={inputClass}>
          {regions.map(({ id, city }) => (
            <option key={id} value={id}>
              {city}
            </option>
          ))}
        </select>
      </label>
      <SubmitButton variant="plain" pendingLabel="Sending">
        Send to all regions
      </SubmitButton>
      {state.status === "refused" ? (
        <Notice tone="bad" live>
          {state.message}
        </Notice>
      ) : null}
      {state.status === "done" ? (
        <Notice tone={state.done.found ? "ok" : "warn"} live>
          {state.done.found
            ? `${name(state.done.sourceRegion).city} wrote the article and ${state.done.versions} versions of its history anew; all regions get them.`
            : `${name(state.done.sourceRegion).city} does not have this article. Nothing was sent.`}
        </Notice>
      ) : null}
    </form>
  );
}
