import type { Metadata } from "next";
import Link from "next/link";
import { DONE } from "@/components/dead-letters/form-state";
import { ParkedRows } from "@/components/dead-letters/parked-rows";
import { RegionLabel } from "@/components/multi-region/region-names";
import { buttonClass } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { PageHeader } from "@/components/ui/page-header";
import { Time } from "@/components/ui/time";
import { requireAdmin } from "@/lib/auth/session";
import { REGIONS } from "@/lib/db/multi-region-config";
import { listParkedRows } from "@/lib/dead-letters/dead-letters";
import type { AuditEntry } from "@/lib/dead-letters/types";
import { getRequestContext } from "@/lib/request-context";

export const metadata: Metadata = { title: "Dead letters" };

interface Props {
  searchParams: Promise<{ done?: string | string[] }>;
}

export default async function DeadLettersPage({ searchParams }: Props) {
  await requireAdmin();
  const { vantage } = await getRequestContext();
  const { done } = await searchParams;
  const message = typeof done === "string" && Object.hasOwn(DONE, done) ? DONE[done] : undefined;
  const answers = await Promise.all(REGIONS.map(({ id }) => listParkedRows(vantage, id)));
  return (
    <>
      <PageHeader
        title="Dead letters"
        actions={
          <Link href="/admin" className={buttonClass("plain")}>
            Regions
          </Link>
        }
      >
        <p className="max-w-2xl text-sm text-muted">
          Events that a region could not apply. Later events of the same row wait behind them, and
          everything else flows. Each is retried by itself, less and less often.
        </p>
      </PageHeader>
      {message ? (
        <Notice tone={done === "discarded-here" ? "warn" : "ok"} live className="mb-6">
          {message}
        </Notice>
      ) : null}
      <div className="space-y-8">
        {REGIONS.map(({ id }, index) => {
          const answer = answers[index];
          return (
            <section key={id} aria-labelledby={`region-${id}`}>
              <h2 id={`region-${id}`} className="mb-2.5 text-base font-semibold">
                <RegionLabel regionId={id} />
              </h2>
              {answer?.kind !== "answer" ? (
                <Notice tone="warn">This region does not answer.</Notice>
              ) : answer.value.rows.length > 0 ? (
                <ParkedRows region={id} rows={answer.value.rows} />
              ) : (
                <p className="text-sm text-muted">Nothing is parked here.</p>
              )}
              {answer?.kind === "answer" && answer.value.audit.length > 0 ? (
                <Audit entries={answer.value.audit} />
              ) : null}
            </section>
          );
        })}
      </div>
    </>
  );
}

function Audit({ entries }: { entries: readonly AuditEntry[] }) {
  return (
    <details className="mt-3 text-sm">
      <summary className="cursor-pointer text-muted underline underline-offset-2">
        What was done here lately
      </summary>
      <ul className="mt-2 space-y-1.5 text-xs">
        {entries.map((entry) => (
          <li key={entry.id} className="break-words">
            <Time value={entry.at} className="text-muted" />{" "}
            {entry.action.replace("dead-letter.", "")} of {entry.subject}: {entry.result}, by{" "}
            {entry.actor ?? "the region itself"}
          </li>
        ))}
      </ul>
    </details>
  );
}
