import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { SiteHeader } from "@/app/site-header";
import { LeadershipBanner } from "@/components/multi-region/leadership-banner";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { WayThere } from "@/components/ui/way-there";
import { busState } from "@/lib/bus-state";
import { leadershipState } from "@/lib/db/failover/leadership-state";
import { REGIONS } from "@/lib/db/multi-region-config";
import { getRequestContext } from "@/lib/request-context";
import { connection } from "next/server";
import "./globals.css";

export const metadata: Metadata = {
  title: { default: "Meridian", template: "%s · Meridian" },
  description: "Documents kept in several regions at once: each page says which region answered.",
  icons: { icon: "/icon.svg" },
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  colorScheme: "light dark",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f7fafa" },
    { media: "(prefers-color-scheme: dark)", color: "#0d1417" },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  // Regions are configuration of the running server, not of the build.
  await connection();
  const regions = REGIONS.map(({ id, city, name }) => ({ id, city, name }));
  const { vantage } = await getRequestContext();
  return (
    <html lang="en">
      <body className="flex min-h-dvh flex-col">
        <a
          href="#content"
          className="sr-only rounded-md bg-accent text-on-accent focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:px-3 focus:py-2"
        >
          Skip to content
        </a>
        <RegionNamesProvider regions={regions}>
          <SiteHeader />
          <WayThere />
          <LeadershipBanner initial={leadershipState(vantage)} bus={busState(vantage)} />
          <main id="content" className="mx-auto w-full max-w-6xl flex-1 px-4 py-8 sm:px-6">
            {children}
          </main>
        </RegionNamesProvider>
      </body>
    </html>
  );
}
