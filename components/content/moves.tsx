"use client";

import { useActionState } from "react";
import { moveContentForm } from "@/app/actions/content-actions";
import { fieldError, IDLE, typed } from "@/components/documents/form-state";
import { Refusal } from "@/components/documents/refusal";
import { TextField } from "@/components/ui/field";
import { SubmitButton } from "@/components/ui/submit-button";
import type { ContentRow } from "@/lib/cms/types";
import type { Move } from "@/lib/cms/workflow";

const BUTTONS: Partial<Record<Move, string>> = {
  submit: "Send for review",
  return: "Take back to draft",
  publish: "Publish now",
  unschedule: "Call off the schedule",
  archive: "Archive",
  reopen: "Take up again",
};

/** What the reader may do with the article now; the action decides again. */
export function ContentMoves({ item, moves }: { item: ContentRow; moves: readonly Move[] }) {
  const [state, action] = useActionState(moveContentForm, IDLE);
  const buttons = moves.filter((move) => BUTTONS[move] !== undefined);
  return (
    <div className="space-y-4">
      <Refusal state={state} known={["publishAt"]} />
      {buttons.length > 0 ? (
        <form action={action} className="flex flex-wrap gap-2">
          <Base item={item} />
          {buttons.map((move) => (
            <SubmitButton
              key={move}
              name="move"
              value={move}
              variant={move === "publish" || move === "submit" ? "primary" : "plain"}
            >
              {BUTTONS[move]}
            </SubmitButton>
          ))}
        </form>
      ) : null}
      {moves.includes("schedule") ? (
        <form action={action} noValidate className="space-y-2">
          <Base item={item} />
          <input type="hidden" name="move" value="schedule" />
          <TextField
            label="Publish at (UTC)"
            name="publishAt"
            type="datetime-local"
            step={1}
            defaultValue={typed(state, "publishAt")}
            error={fieldError(state, "publishAt")}
          />
          <SubmitButton variant="plain" pendingLabel="Scheduling">
            Schedule
          </SubmitButton>
        </form>
      ) : null}
    </div>
  );
}

/** Takes the text of a former version as a new one. */
export function RestoreContent({
  item,
  versionId,
}: {
  item: Pick<ContentRow, "id" | "clock">;
  versionId: string;
}) {
  const [state, action] = useActionState(moveContentForm, IDLE);
  return (
    <form action={action} className="space-y-2">
      <Base item={item} />
      <input type="hidden" name="versionId" value={versionId} />
      <SubmitButton
        variant="plain"
        className="h-8"
        name="move"
        value="restore"
        pendingLabel="Restoring"
      >
        Restore this version
      </SubmitButton>
      <Refusal state={state} />
    </form>
  );
}

function Base({ item }: { item: Pick<ContentRow, "id" | "clock"> }) {
  return (
    <>
      <input type="hidden" name="contentId" value={item.id} />
      <input type="hidden" name="baseVersion" value={JSON.stringify(item.clock)} />
    </>
  );
}
