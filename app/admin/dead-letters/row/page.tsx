import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import type { ReactNode } from "react";
import {
  DiscardForm,
  EditForm,
  RetryForm,
  type DecisionTarget,
} from "@/components/dead-letters/decisions";
import { Json, ParkedEventView } from "@/components/dead-letters/parked-event";
import { RegionLabel } from "@/components/multi-region/region-names";
import { buttonClass } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { PageHeader } from "@/components/ui/page-header";
import { requireAdmin } from "@/lib/auth/session";
import { readParkedRow } from "@/lib/dead-letters/dead-letters";
import { DISCARD_WORD, parkedRowInput } from "@/lib/dead-letters/input";
import type { ParkedRowDetail } from "@/lib/dead-letters/types";
import { getRequestContext } from "@/lib/request-context";

export const metadata: Metadata = { title: "Dead letters of a row" };

interface Props {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function ParkedRowPage({ searchParams }: Props) {
  await requireAdmin();
  const { region, entity, id } = await searchParams;
  const input = parkedRowInput.safeParse({ region, entity, entityId: id });
  if (!input.success) notFound();
  const key = input.data;
  const { vantage } = await getRequestContext();
  const answer = await readParkedRow(vantage, key);
  return (
    <>
      <PageHeader
        title={`${key.entity} ${key.entityId}`}
        actions={
          <Link href="/admin/dead-letters" className={buttonClass("plain")}>
            All dead letters
          </Link>
        }
      >
        <p className="text-sm text-muted">
          What <RegionLabel regionId={key.region} className="text-ink" /> could not apply.
        </p>
      </PageHeader>
      {answer.kind === "unreachable" ? (
        <Notice tone="warn">This region does not answer.</Notice>
      ) : answer.value === null ? (
        <Notice>Nothing is parked for this row.</Notice>
      ) : (
        <Detail
          detail={answer.value}
          target={{ ...key, lastId: answer.value.events.at(-1)?.id ?? "0" }}
        />
      )}
    </>
  );
}

function Detail({ detail, target }: { detail: ParkedRowDetail; target: DecisionTarget }) {
  const { events, here, editable, leader, mayWrite } = detail;
  return (
    <div className="grid gap-x-10 gap-y-8 lg:grid-cols-2">
      <div className="min-w-0 space-y-4">
        <h2 className="text-base font-semibold">Events, in order</h2>
        {events.map((event) => (
          <ParkedEventView key={event.id} event={event} />
        ))}
        <h2 className="text-base font-semibold">The row here</h2>
        {here ? (
          <Json value={here} label="The row as this region has it" />
        ) : (
          <p className="text-sm text-muted">This region does not have it.</p>
        )}
      </div>
      <div className="min-w-0 space-y-8">
        <Section title="Retry">
          <RetryForm target={target} />
        </Section>
        <Section title="Edit and retry">
          {mayWrite ? (
            <EditForm target={target} values={JSON.stringify(editable, null, 2)} />
          ) : (
            <p className="text-sm text-muted">
              Only <RegionLabel regionId={leader} /> writes {target.entity}. Change the row there:
              the new version comes here, and a retry applies it.
            </p>
          )}
        </Section>
        <Section title="Discard">
          <DiscardForm
            target={target}
            word={DISCARD_WORD}
            consequence={
              here && mayWrite
                ? "Every region takes the row as it is here. What the events changed is lost, in the other regions too."
                : "This region then differs from the others in this row. The comparison of regions will name it."
            }
          />
        </Section>
      </div>
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="border-t border-line pt-4 lg:first:border-t-0 lg:first:pt-0">
      <h2 className="mb-2.5 text-base font-semibold">{title}</h2>
      {children}
    </section>
  );
}
