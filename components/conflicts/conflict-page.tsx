import Link from "next/link";
import type { ReactNode } from "react";
import { RegionLabel } from "@/components/multi-region/region-names";
import { Notice } from "@/components/ui/notice";
import { Time } from "@/components/ui/time";
import type { ConflictView } from "@/lib/conflicts/types";
import { CompareVersions } from "./compare-versions";
import { decisionText, StatusBadge } from "./conflict-list";
import { fieldName, happened, isDeletion, strategySentence, valueText } from "./conflict-text";
import { DecideConflict, type DecisionOption } from "./decide-conflict";
import { Clock, VersionCard, versionLabel } from "./version-card";

/** One conflict, the same for administrators and a document's owner. */
export function ConflictDetails({
  conflict,
  page,
}: {
  conflict: ConflictView;
  page: "admin" | "owner";
}) {
  const { versions, field, current } = conflict;
  return (
    <div className="space-y-8">
      <section aria-labelledby="what-happened" className="max-w-3xl space-y-3">
        <h2 id="what-happened" className="sr-only">
          What happened
        </h2>
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <StatusBadge status={conflict.status} />
          <span className="text-sm text-muted">
            noticed in <RegionLabel regionId={conflict.detectedIn} />,{" "}
            <Time value={conflict.detectedAt} />
          </span>
        </p>
        <p>
          {happened(conflict)} {strategySentence(conflict.strategy)} {outcome(conflict)}
        </p>
        <Decision conflict={conflict} />
        {conflict.document && !conflict.document.deleted ? (
          <p className="text-sm">
            <Link
              href={`/documents/${conflict.document.id}`}
              className="text-accent underline underline-offset-2"
            >
              Open the document
            </Link>
          </p>
        ) : null}
        {conflict.article ? (
          <p className="text-sm">
            <Link
              href={`/content/manage/${conflict.article.id}`}
              className="text-accent underline underline-offset-2"
            >
              Open the article
            </Link>
          </p>
        ) : null}
      </section>
      <section aria-labelledby="versions" className="space-y-3">
        <h2 id="versions" className="text-sm font-semibold">
          Versions
        </h2>
        <div className="grid gap-4 md:grid-cols-2">
          {versions.map((version, index) => (
            <VersionCard
              key={`${version.origin} ${version.count} ${version.hlc}`}
              version={version}
              index={index}
              field={field}
              status={conflict.status}
            />
          ))}
        </div>
        {versions.length === 0 ? (
          <p className="text-sm text-muted">The record holds no version that can be read.</p>
        ) : null}
      </section>
      <CompareVersions
        versions={versions.map(({ value }, index) => ({
          label: versionLabel(index),
          text: valueText(value),
        }))}
      />
      <Now conflict={conflict} />
      {current ? (
        <Panel title={conflict.status === "open" ? "Decide" : "Decide otherwise"}>
          <DecideConflict
            key={JSON.stringify(conflict.shown)}
            id={conflict.id}
            page={page}
            shown={JSON.stringify(conflict.shown)}
            options={versions.map((version, index) => toOption(conflict, version.value, index))}
            edit={editOf(conflict)}
          />
        </Panel>
      ) : (
        <Notice tone="info">
          What it is about is not known in this region, so it can&apos;t be decided from here.
        </Notice>
      )}
    </div>
  );
}

function outcome({ status, versions }: ConflictView): string {
  const winner = versions.findIndex(({ won }) => won);
  if (winner < 0) return "";
  // What was decided stands in a sentence of its own.
  if (status === "decided") return "";
  if (status === "open") return `Until it is decided, ${versionLabel(winner)} shows.`;
  return `${versionLabel(winner)} won; the others are kept here.`;
}

function Decision({ conflict: { decision, field } }: { conflict: ConflictView }) {
  if (!decision) return null;
  return (
    <p className="text-sm">
      On <Time value={decision.at} />, {decisionText(decision)}:{" "}
      <span className="font-medium break-words">
        {field === "$deleted"
          ? isDeletion(decision.value)
            ? "deleted"
            : "not deleted"
          : excerpt(valueText(decision.value))}
      </span>
    </p>
  );
}

function excerpt(text: string): string {
  if (text === "") return "nothing";
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

function Now({ conflict: { current, field, versions } }: { conflict: ConflictView }) {
  if (!current) return null;
  const held = current.versions.map(({ value }) => valueText(value));
  const recorded = versions.map(({ value }) => valueText(value));
  const other = held.some((text) => !recorded.includes(text));
  return (
    <Panel title="Now">
      {field === "$deleted" ? (
        <p>{current.deleted ? "It is deleted." : "It is not deleted."}</p>
      ) : (
        <>
          <p className="text-sm text-muted">
            {other
              ? "It has been changed since; a decision replaces this:"
              : current.versions.length > 1
                ? "The versions stand beside each other; the first one shows."
                : `The ${fieldName(field)} is:`}
          </p>
          <pre
            tabIndex={0}
            aria-label="What it is now"
            className="max-h-60 overflow-auto rounded-md bg-sunken px-3.5 py-3 font-sans text-sm break-words whitespace-pre-wrap"
          >
            {held[0] || <span className="text-faint">empty</span>}
          </pre>
        </>
      )}
      <div className="flex flex-wrap gap-x-4 text-sm">
        <span className="text-muted">Clock</span>
        <Clock clock={current.clock} />
      </div>
    </Panel>
  );
}

function toOption(
  { field, status, versions }: ConflictView,
  value: ConflictView["versions"][number]["value"],
  index: number,
): DecisionOption {
  const label = versionLabel(index);
  if (field === "$deleted") {
    return { label, action: isDeletion(value) ? "Delete it" : "Bring it back" };
  }
  const lost = status !== "open" && versions[index]?.won === false;
  return { label, action: lost ? `Restore ${label}` : `Take ${label}` };
}

function editOf({ field, current, versions }: ConflictView) {
  if (field === "$deleted") return null;
  const value = current?.versions[0]?.value ?? versions[0]?.value ?? "";
  return typeof value === "string"
    ? ({ value, as: "text" } as const)
    : ({ value: JSON.stringify(versions[0]?.value ?? value, null, 2), as: "json" } as const);
}

function Panel({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="max-w-3xl space-y-3 border-t border-line pt-5" aria-label={title}>
      <h2 className="text-sm font-semibold">{title}</h2>
      {children}
    </section>
  );
}
