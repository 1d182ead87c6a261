import { Notice } from "@/components/ui/notice";
import type { LeadershipState, ReadOnlyReason } from "@/lib/leadership-shape";

type Leaderless = Extract<LeadershipState, { kind: "changing" | "read-only" }>;

/** What is shown on every page while no region leads, or Redis is away. */
export default function ServiceNotices({
  leaderless,
  degraded,
}: {
  leaderless: Leaderless | null;
  degraded: boolean;
}) {
  return (
    <>
      {leaderless ? <LeadershipNotice state={leaderless} /> : null}
      {degraded ? <DegradedNotice /> : null}
    </>
  );
}

const WHY: Record<ReadOnlyReason, string> = {
  "no-majority":
    "Fewer than half of the regions can be reached from here, so none may lead. This passes by itself.",
  paused: "The leading region lost its lease, and failover is paused by an administrator.",
  manual: "The leading region lost its lease, and failover waits for an administrator’s request.",
  unreachable: "The leading region can’t be reached from here. Others may still reach it.",
};

function LeadershipNotice({ state }: { state: Leaderless }) {
  return (
    <Notice
      tone="warn"
      live
      title={state.kind === "changing" ? "The leading region is changing." : "No region leads."}
    >
      <p>{state.kind === "changing" ? "This takes a few seconds." : WHY[state.reason]}</p>
      <p>Reading, writing and sharing documents and signing in go on. No account can be made.</p>
    </Notice>
  );
}

/** For everyone, in words that say what is different for them: nothing is lost, some things take longer. */
function DegradedNotice() {
  return (
    <Notice live title="Redis is away.">
      <p>
        Everything can be read and written, and nothing is lost. Until it is back, changes take
        longer to reach other regions and your other devices, and who has a document open is not
        known.
      </p>
    </Notice>
  );
}
