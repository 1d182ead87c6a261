import Link from "next/link";
import type { ReactNode } from "react";
import { RegionMap } from "@/components/multi-region/region-map";
import { RegionLabel } from "@/components/multi-region/region-names";
import { buttonClass } from "@/components/ui/button";
import { REGIONS } from "@/lib/db/multi-region-config";
import { getRequestContext } from "@/lib/request-context";

export default async function FrontPage() {
  const { user, vantage, local } = await getRequestContext();
  const regions = REGIONS.map(({ id, city, latitude, longitude }) => ({
    id,
    city,
    latitude,
    longitude,
  }));
  return (
    <div className="space-y-12 pt-2 sm:pt-6">
      <section className="grid items-center gap-x-12 gap-y-8 lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)]">
        <div>
          <h1 className="text-3xl leading-[1.15] font-semibold sm:text-4xl">
            One document, {regions.length === 1 ? "one region" : `${count(regions.length)} regions`}
            , and a receipt for every answer.
          </h1>
          <p className="mt-4 max-w-xl text-[1.0625rem] text-muted">
            Each region has its own Postgres. You write in the nearest one, and the others receive
            it a moment later. Meridian makes sure that you still see what you wrote, wherever you
            read it, and each page says which region answered and why.
          </p>
          <div className="mt-6 flex flex-wrap gap-2">
            {user ? (
              <Link href="/documents" className={buttonClass()}>
                Your documents
              </Link>
            ) : (
              <>
                <Link href="/sign-up" className={buttonClass()}>
                  Create an account
                </Link>
                <Link href="/sign-in" className={buttonClass("plain")}>
                  Sign in
                </Link>
              </>
            )}
          </div>
          <p className="mt-5 text-sm text-muted">
            Nearest to you is <RegionLabel regionId={vantage} className="text-ink" />.
          </p>
        </div>
        <RegionMap regions={regions} here={vantage} />
      </section>
      <section className="border-t border-line pt-8">
        <h2 className="text-lg font-semibold">What to try</h2>
        <ol className="mt-4 grid gap-x-8 gap-y-5 sm:grid-cols-2 lg:grid-cols-4">
          <Step number={1} title="Write near you">
            Create a document. Its receipt shows one region and a few milliseconds.
          </Step>
          <Step number={2} title="Read it from far away">
            {local
              ? "Change “View from” at the top of the page to the other side of the world."
              : "Open it through another region."}{" "}
            The page waits until that region has your write, or is answered by one that has.
          </Step>
          <Step number={3} title="Open the receipt">
            It lists the positions your session required and those the region had applied.
          </Step>
          <Step number={4} title="Write in two places">
            Edit the document in two tabs. The second save is refused and shows both versions.
          </Step>
        </ol>
      </section>
    </div>
  );
}

function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <li>
      <span aria-hidden className="figures text-muted">
        {number}
      </span>
      <h3 className="mt-1 font-medium">{title}</h3>
      <p className="mt-1 text-sm text-muted">{children}</p>
    </li>
  );
}

const WORDS = ["no", "one", "two", "three", "four", "five", "six"];

function count(value: number): string {
  return WORDS[value] ?? String(value);
}
