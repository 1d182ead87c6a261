import Link from "next/link";
import { LiveRegions } from "@/components/front-page/live-regions";
import { Stories, type Lab } from "@/components/front-page/stories";
import { RegionMap } from "@/components/multi-region/region-map";
import { RegionLabel } from "@/components/multi-region/region-names";
import { buttonClass } from "@/components/ui/button";
import type { SessionUser } from "@/lib/auth/session";
import { REGIONS } from "@/lib/db/multi-region-config";
import { gatherRegionStatus } from "@/lib/region-status";
import { getRequestContext } from "@/lib/request-context";

/** Seeded on the local planet: scripts/seed-data.ts. */
const DEMO_ADMIN = "admin@example.com";

export default async function FrontPage() {
  const { user, vantage, local } = await getRequestContext();
  const status = await gatherRegionStatus(vantage, false);
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
            Meridian keeps documents in several regions of the world, each with a Postgres of its
            own: you write in the nearest one, and the others have it a moment later. You always see
            what you wrote, wherever you read it, and each page says which region answered and why.
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
            {local
              ? " Move with “View from” at the top, and read the same document from there."
              : ""}
          </p>
        </div>
        <LiveRegions initial={status}>
          <RegionMap regions={regions} here={vantage} />
        </LiveRegions>
      </section>
      <Stories lab={labFor(user, local)} />
    </div>
  );
}

function labFor(user: SessionUser | null, local: boolean): Lab {
  if (!local) return { kind: "elsewhere" };
  if (!user) return { kind: "signed-out", email: DEMO_ADMIN };
  return user.role === "admin" ? { kind: "open" } : { kind: "not-admin", email: DEMO_ADMIN };
}

const WORDS = ["no", "one", "two", "three", "four", "five", "six"];

function count(value: number): string {
  return WORDS[value] ?? String(value);
}
