"use client";

import type { ReactNode } from "react";
import { Notice } from "@/components/ui/notice";
import type { FailoverPreview, FailoverRecord } from "@/lib/failover-shape";
import { FailoverCandidates } from "./failover-candidates";
import { Attempt, FailoverHistory } from "./failover-history";
import { isRunning } from "./failover-text";
import { StrandedWrites } from "./stranded-writes";
import { TypedOrder } from "./typed-order";
import { usePolled } from "./use-polled";

const CALM_POLL_MS = 4_000;
/** While an attempt is under way: its steps take fractions of a second. */
const BUSY_POLL_MS = 500;

/** Who leads next: what it would cost, the orders, how an attempt goes, and what has been. */
export function FailoverPanel() {
  const history = usePolled<FailoverRecord[]>("/api/regions/failovers?limit=10", (latest) =>
    latest?.some(isRunning) ? BUSY_POLL_MS : CALM_POLL_MS,
  );
  const preview = usePolled<FailoverPreview>("/api/regions/failover/preview", (latest) =>
    latest?.running ? BUSY_POLL_MS * 2 : CALM_POLL_MS,
  );
  const running = history.data?.find(isRunning);
  const refresh = () => {
    void history.mutate();
    void preview.mutate();
  };
  return (
    <section aria-labelledby="failover" className="mt-10 space-y-6">
      <h2 id="failover" className="text-lg font-semibold">
        Failover
      </h2>
      {running ? (
        <div
          role="status"
          aria-label="Attempt under way"
          className="rounded-lg border border-line-strong bg-tint px-4 py-3"
        >
          <Attempt record={running} />
        </div>
      ) : null}
      <Part title="What it would cost">
        <Loaded {...preview} what="What it would cost">
          {(data) => (
            <div className="space-y-3">
              <Facts preview={data} />
              <FailoverCandidates preview={data} onOrdered={refresh} />
              <Pause preview={data} onDone={refresh} />
            </div>
          )}
        </Loaded>
      </Part>
      <Part title="History">
        <Loaded {...history} what="The history">
          {(data) => <FailoverHistory records={data} />}
        </Loaded>
      </Part>
      <Part title="Writes that were left behind">
        <StrandedWrites />
      </Part>
    </section>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="space-y-2.5">
      <h3 className="font-semibold">{title}</h3>
      {children}
    </section>
  );
}

/** Nothing yet, an error with or without an older answer, or the answer. */
function Loaded<T>({
  data,
  error,
  what,
  children,
}: {
  data?: T;
  error?: Error;
  what: string;
  children: (data: T) => ReactNode;
}) {
  if (data === undefined && !error) {
    return (
      <p role="status" className="text-sm text-muted">
        Asking the regions
      </p>
    );
  }
  return (
    <div className="space-y-3">
      {error ? (
        <Notice
          tone={data === undefined ? "bad" : "warn"}
          live
          title={`${what} can’t be read now.`}
        >
          {error.message} The page keeps trying.
          {data === undefined ? "" : " What is below was true before."}
        </Notice>
      ) : null}
      {data === undefined ? null : children(data)}
    </div>
  );
}

function Facts({ preview }: { preview: FailoverPreview }) {
  const { leader, voting, registered, paused, pauseReason } = preview;
  return (
    <>
      {paused ? (
        <Notice tone="warn" title="Failover is paused.">
          No region is chosen by itself. {pauseReason ? `Reason: ${pauseReason}` : ""}
        </Notice>
      ) : null}
      {leader?.leading ? null : (
        <Notice tone="warn" title="No region holds the lease.">
          {leader && !leader.reachable
            ? "The region that led does not answer, so nobody can count what it wrote last."
            : "Accounts can’t be written until one does."}
        </Notice>
      )}
      <p className="text-sm text-muted">
        {voting} of {registered} regions can vote.
      </p>
    </>
  );
}

function Pause({ preview, onDone }: { preview: FailoverPreview; onDone: () => void }) {
  const { paused } = preview;
  return (
    <TypedOrder
      // Another form, with nothing of the one before.
      key={String(paused)}
      url="/api/regions/pause"
      body={{ paused: !paused }}
      word={paused ? "resume" : "pause"}
      label={paused ? "Resume failover" : "Pause failover"}
      onDone={onDone}
    >
      {paused
        ? "A region that is lost is replaced by itself again."
        : "A region that is lost is then not replaced until somebody asks for it. Orders are carried out all the same."}
    </TypedOrder>
  );
}
