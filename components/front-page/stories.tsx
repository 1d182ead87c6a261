import Link from "next/link";
import { buttonClass } from "@/components/ui/button";

interface Story {
  title: string;
  what: string;
  /** Files and folders of the repository that do it. */
  code: readonly string[];
}

export const STORIES: readonly Story[] = [
  {
    title: "Kill Virginia while you type",
    what: "The database of the leading region dies under your hands. Your editor goes on in the next region and the others elect a leader; what Virginia had taken and not yet passed on is there again when Virginia is.",
    code: ["lib/db/failover/decide.ts", "lib/db/failover/promotion.ts", "lib/documents/place.ts"],
  },
  {
    title: "Edit on both sides of a cut",
    what: "The links between two regions are cut, and both go on writing the same document. When the cut heals, both texts are there, and where only one could win you are asked.",
    code: [
      "lib/documents/text/three-way.ts",
      "lib/db/conflicts/strategies/",
      "lib/db/replication/applier.ts",
    ],
  },
  {
    title: "The old leader comes back",
    what: "It was away, another region was promoted, and it still believes that it leads. It is fenced off before it can take a write, and what it had alone is shown, not lost.",
    code: [
      "lib/db/failover/stranded-writes.ts",
      "lib/db/failover/renew.ts",
      "prisma/migrations/20261125000100_leadership/",
    ],
  },
];

/** How this visitor gets to where the stories are told. */
export type Lab =
  | { kind: "elsewhere" }
  | { kind: "signed-out"; email: string }
  | { kind: "not-admin"; email: string }
  | { kind: "open" };

export function Stories({ lab }: { lab: Lab }) {
  return (
    <section aria-labelledby="stories" className="border-t border-line pt-8">
      <h2 id="stories" className="text-lg font-semibold">
        Three stories to try
      </h2>
      <div className="mt-2 text-sm text-muted">
        <WayToTheLab lab={lab} />
      </div>
      <ol className="mt-5 grid gap-x-8 gap-y-7 md:grid-cols-3">
        {STORIES.map((story, index) => (
          <li key={story.title} className="min-w-0">
            <span aria-hidden className="figures text-muted">
              {index + 1}
            </span>
            <h3 className="mt-1 font-medium">
              {lab.kind === "open" ? (
                <Link
                  href="/admin/lab"
                  prefetch={false}
                  className="underline decoration-line-strong underline-offset-4 hover:decoration-ink"
                >
                  {story.title}
                </Link>
              ) : (
                story.title
              )}
            </h3>
            <p className="mt-1 text-sm text-muted">{story.what}</p>
            <ul className="mt-2 space-y-0.5 text-xs text-muted" aria-label="The code that does it">
              {story.code.map((path) => (
                <li key={path}>
                  <code className="font-mono break-words">{path}</code>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </section>
  );
}

function WayToTheLab({ lab }: { lab: Lab }) {
  switch (lab.kind) {
    case "open":
      return (
        <Link href="/admin/lab" prefetch={false} className={buttonClass("plain")}>
          Open the fault lab
        </Link>
      );
    case "signed-out":
      return (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
          <Link href="/sign-in?next=%2Fadmin%2Flab" className={buttonClass("plain")}>
            Sign in to the fault lab
          </Link>
          <span>
            as <code className="font-mono text-ink">{lab.email}</code>; the start of the local
            planet printed the password.
          </span>
        </div>
      );
    case "not-admin":
      return (
        <p>
          They are told in the fault lab, which is for the demo administrator: sign out, and in
          again as <code className="font-mono text-ink">{lab.email}</code>.
        </p>
      );
    case "elsewhere":
      return (
        <p>
          Nobody may break this installation. On your own machine,{" "}
          <code className="font-mono text-ink">npm ci && npm run dev</code> starts the whole planet,
          with a lab in which each of these is one click.
        </p>
      );
    default:
      return lab satisfies never;
  }
}
