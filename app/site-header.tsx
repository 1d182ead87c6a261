import Link from "next/link";
import { signOut } from "@/app/actions/session-actions";
import { ViewFrom } from "@/components/multi-region/view-from";
import { ShortcutsLater } from "@/components/shortcuts/shortcuts-later";
import { Button, buttonClass } from "@/components/ui/button";
import { Wordmark } from "@/components/ui/wordmark";
import { getRequestContext } from "@/lib/request-context";
import { visitorPlaces } from "@/lib/visitor-places";

const navClass = "rounded-md px-2 py-1 text-muted hover:bg-tint hover:text-ink";

export async function SiteHeader() {
  const { user, local, place } = await getRequestContext();
  return (
    <header className="border-b border-line bg-surface">
      <div className="mx-auto flex w-full max-w-6xl flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5 sm:px-6">
        <Link
          href="/"
          className="flex h-8 items-center rounded-sm"
          aria-label="Meridian, front page"
        >
          <Wordmark />
        </Link>
        {user ? (
          <nav aria-label="Main" className="flex flex-wrap gap-1 text-sm">
            <Link href="/documents" className={navClass}>
              Documents
            </Link>
            <Link href="/inventory" className={navClass}>
              Inventory
            </Link>
            <Link href="/leaderboard" className={navClass}>
              Leaderboard
            </Link>
            <Link href="/orders" className={navClass}>
              Orders
            </Link>
            <Link href="/content" className={navClass}>
              Articles
            </Link>
            {user.role === "admin" ? (
              <Link href="/admin" className={navClass}>
                Regions
              </Link>
            ) : null}
          </nav>
        ) : null}
        {user ? <ShortcutsLater /> : null}
        <div className="ml-auto flex items-center justify-between gap-x-3 max-sm:grow">
          {local ? <ViewFrom places={[...visitorPlaces()]} current={place} /> : null}
          {user ? (
            <form action={signOut} className="flex items-center gap-2 text-sm">
              <Link
                href="/account"
                prefetch={false}
                className="max-w-40 truncate rounded-sm hover:underline max-sm:sr-only max-sm:focus:not-sr-only"
                title={user.email}
              >
                {user.name}
              </Link>
              <Button type="submit" variant="quiet" className="h-8">
                Sign out
              </Button>
            </form>
          ) : (
            <Link href="/sign-in" className={buttonClass("plain", "h-8")}>
              Sign in
            </Link>
          )}
        </div>
      </div>
    </header>
  );
}
