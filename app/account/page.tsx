import type { Metadata } from "next";
import { requireActor } from "@/app/actor";
import { ReceiptBadge } from "@/components/multi-region/receipt-badge";
import { PlacementCard } from "@/components/residency/placement-card";
import { ResidencyForm } from "@/components/residency/residency-form";
import { SignOutEverywhere } from "@/components/session/sign-out-everywhere";
import { Notice } from "@/components/ui/notice";
import { PageHeader } from "@/components/ui/page-header";
import { readAccount } from "@/lib/auth/read-account";
import { requireUser } from "@/lib/auth/session";
import { placesOfAccounts, readPlacements, readPresence } from "@/lib/residency/placements";

export const metadata: Metadata = { title: "Account" };

export default async function AccountPage() {
  const user = await requireUser("/account");
  const actor = await requireActor("/account");
  const [{ value: account, receipt, pending }, { value: placements }] = await Promise.all([
    readAccount(actor),
    readPlacements(actor, "User"),
  ]);
  const [placement] = placements;
  const places = placesOfAccounts();
  const { name, email } = account?.person ?? user;
  const publicName = account?.publicName ?? user.publicName;
  return (
    <>
      <PageHeader title="Account">
        <ReceiptBadge receipt={receipt} />
      </PageHeader>
      <div className="max-w-2xl space-y-8">
        {pending ? (
          <Notice tone="warn" title="A newer version is waiting.">
            This region has received a later version of your account and could not store it. An
            administrator can see why.
          </Notice>
        ) : null}
        {placement && account && !account.kept ? (
          <Notice tone="warn" title="Every region has your name and address still.">
            The leading region has not taken them away. Choose the place once more.
          </Notice>
        ) : null}
        <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1 text-sm [&_dt]:text-muted">
          <dt>Name</dt>
          <dd className="min-w-0 break-words">{name}</dd>
          <dt>E-mail address</dt>
          <dd className="min-w-0 break-words">{email}</dd>
          <dt>Others see</dt>
          <dd className="min-w-0 break-words">
            {publicName === name ? name : `${publicName}, where your name is not kept`}
          </dd>
        </dl>
        <section className="space-y-3 border-t border-line pt-4" aria-labelledby="kept">
          <h2 id="kept" className="text-sm font-semibold">
            Where it is kept
          </h2>
          <p className="text-sm text-pretty text-muted">
            {placement
              ? "Your name and address are kept in some regions only. Every region has your id, a pseudonym, and a digest of the address to sign you in by."
              : "Every region may have your name and address."}
          </p>
          {placement ? (
            <ul>
              <PlacementCard
                placement={placement}
                presence={await readPresence(actor, placement)}
              />
            </ul>
          ) : null}
          {places.length > 0 ? (
            <ResidencyForm
              subject={{ entity: "User", id: actor.userId }}
              places={places}
              residency={placement?.residency ?? null}
            />
          ) : (
            <p className="text-sm text-muted">
              This installation has no key for addresses, so no account can be kept in some regions.
            </p>
          )}
        </section>
        <section className="space-y-3 border-t border-line pt-4" aria-labelledby="sessions">
          <h2 id="sessions" className="text-sm font-semibold">
            Sessions
          </h2>
          <p className="text-sm text-pretty text-muted">
            Ends every session but this one, on all devices. A region knows it as soon as it has
            heard of it, as a rule within a second.
          </p>
          <SignOutEverywhere account={actor.userId} />
        </section>
      </div>
    </>
  );
}
