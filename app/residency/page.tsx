import type { Metadata } from "next";
import Link from "next/link";
import { requireActor } from "@/app/actor";
import { PlacementCard } from "@/components/residency/placement-card";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { PageHeader } from "@/components/ui/page-header";
import { places, readPlacements, readPresence } from "@/lib/residency/placements";

export const metadata: Metadata = { title: "Residency" };

/** Of which it is counted at each visit what every region has. */
const COUNTED = 20;

export default async function ResidencyPage() {
  const actor = await requireActor("/residency");
  const { value: placements, receipt } = await readPlacements(actor);
  const shown = await Promise.all(
    placements.slice(0, COUNTED).map(async (placement) => ({
      placement,
      presence: await readPresence(actor, placement),
    })),
  );
  return (
    <>
      <PageHeader title="Residency">
        <p className="max-w-2xl text-sm text-pretty text-muted">
          Documents and articles of yours that are kept in some regions only, your account if it is
          too, and what each region&apos;s database has of them, counted just now. Where one is not
          kept there is its id and its owner, and nothing else.
        </p>
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <div className="space-y-8">
        {shown.length === 0 ? (
          <p className="rounded-lg border border-dashed border-line-strong px-6 py-14 text-center text-muted">
            Every region has all that is yours. Open{" "}
            <Link href="/documents" className="text-accent underline underline-offset-2">
              a document
            </Link>
            ,{" "}
            <Link href="/content/manage" className="text-accent underline underline-offset-2">
              an article
            </Link>{" "}
            or{" "}
            <Link href="/account" className="text-accent underline underline-offset-2">
              your account
            </Link>{" "}
            to keep it somewhere.
          </p>
        ) : (
          <ul className="space-y-4">
            {shown.map(({ placement, presence }) => (
              <PlacementCard
                key={`${placement.entity} ${placement.id}`}
                placement={placement}
                presence={presence}
              />
            ))}
          </ul>
        )}
        {placements.length > COUNTED ? (
          <p className="text-sm text-muted">
            {placements.length - COUNTED} more are not counted here.
          </p>
        ) : null}
        <section className="space-y-2" aria-labelledby="places">
          <h2 id="places" className="text-sm font-semibold">
            Places of this installation
          </h2>
          <dl className="grid max-w-xl grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm">
            {places().map(({ name, regions }) => (
              <div key={name} className="contents">
                <dt className="font-medium">{name.toUpperCase()}</dt>
                <dd className="text-muted">{regions.join(", ")}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </>
  );
}
