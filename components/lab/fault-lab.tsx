"use client";

import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { NOTHING_COUNTED, type LabState } from "@/lib/lab/lab-shape";
import { Controls } from "./controls";
import { InvariantPanel } from "./invariant-panel";
import { LabTimeline } from "./lab-timeline";
import { PlanetPicture, type Selection } from "./planet-picture";
import { Stories } from "./stories";
import { useLab, type LabLink } from "./use-lab";

/** Everything that can be broken, what is broken, and what a client found meanwhile. */
export function FaultLab() {
  return <LabView {...useLab()} />;
}

export function LabView({ state, error, refusal, busy, order }: LabLink) {
  const [chosen, setChosen] = useState<Selection | null>(null);
  const telling = state?.story?.status === "running";
  const resetting = state?.resetting ?? false;
  const disabled = state === undefined || error !== undefined || busy || resetting;
  return (
    <div className="space-y-8">
      <div className="flex flex-wrap items-center gap-3">
        <Button
          variant="danger"
          disabled={busy || resetting}
          onClick={() => void order({ to: "reset", body: {} })}
        >
          <RotateCcw aria-hidden className="size-4" />
          Reset everything
        </Button>
        <Load state={state} disabled={disabled || telling} order={order} />
      </div>
      <Messages error={error} refusal={refusal} known={state !== undefined} />
      <Stories
        story={state?.story ?? null}
        disabled={disabled}
        onStart={(story) => void order({ to: "story", body: { action: "start", story } })}
        onStop={() => void order({ to: "story", body: { action: "stop" } })}
      />
      <div className="grid items-start gap-8 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="space-y-8">
          <section aria-labelledby="lab-planet">
            <h2 id="lab-planet" className="mb-2 text-lg font-semibold">
              The planet
            </h2>
            <div className="min-h-96 rounded-md border border-line bg-sunken p-4">
              <PlanetBody
                state={state}
                chosen={chosen}
                onChoose={setChosen}
                disabled={disabled || telling}
                order={order}
              />
            </div>
            {telling ? (
              <p className="mt-2 text-sm text-muted">
                A story is running: it breaks things itself.
              </p>
            ) : null}
          </section>
          <LabTimeline events={state?.timeline ?? []} />
        </div>
        <InvariantPanel
          counted={state?.invariants ?? NOTHING_COUNTED}
          on={state?.load.on ?? false}
        />
      </div>
    </div>
  );
}

function PlanetBody({
  state,
  chosen,
  onChoose,
  disabled,
  order,
}: {
  state: LabState | undefined;
  chosen: Selection | null;
  onChoose: (selection: Selection) => void;
  disabled: boolean;
  order: LabLink["order"];
}) {
  if (!state) return <p className="text-sm text-muted">Asking the planet…</p>;
  const { planet } = state;
  if (planet.kind === "unknown") {
    return (
      <Notice tone="bad" title="What is broken is unknown.">
        {planet.message}
      </Notice>
    );
  }
  const first = planet.regions[0];
  const selected = chosen ?? { kind: "region" as const, id: first?.id ?? "" };
  return (
    <>
      <PlanetPicture planet={planet} selected={selected} onSelect={onChoose} />
      <Controls
        planet={planet}
        selected={selected}
        disabled={disabled}
        onFault={(fault) => void order({ to: "faults", body: fault })}
      />
    </>
  );
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: "UTC" });

function Load({
  state,
  disabled,
  order,
}: {
  state: LabState | undefined;
  disabled: boolean;
  order: LabLink["order"];
}) {
  const { on, until } = state?.load ?? { on: false, until: null };
  return (
    <>
      <button
        type="button"
        role="switch"
        aria-checked={on}
        disabled={disabled}
        onClick={() => void order({ to: "load", body: { on: !on } })}
        className="group inline-flex h-9 items-center gap-2.5 rounded-md px-1.5 text-sm font-medium disabled:cursor-not-allowed disabled:opacity-55"
      >
        <span
          aria-hidden
          className="inline-flex h-5.5 w-10 items-center rounded-full border border-line-strong bg-sunken px-0.5 transition-colors group-aria-checked:border-accent group-aria-checked:bg-accent"
        >
          <span className="size-4 rounded-full bg-faint transition-transform group-aria-checked:translate-x-4.5 group-aria-checked:bg-on-accent" />
        </span>
        Load
      </button>
      <span className="figures text-sm text-muted">
        {on && until
          ? `13 writes a second, until ${CLOCK.format(new Date(until))} UTC at the latest`
          : "off"}
      </span>
    </>
  );
}

function Messages({
  error,
  refusal,
  known,
}: {
  error: Error | undefined;
  refusal: string | null;
  known: boolean;
}) {
  return (
    <>
      {error ? (
        <Notice tone="warn" live title="The lab does not answer.">
          {known
            ? "What is below is old. Without an answer for 30 s the server resets everything by itself."
            : error.message}
        </Notice>
      ) : null}
      {refusal ? (
        <Notice tone="bad" live title="That was not done.">
          {refusal}
        </Notice>
      ) : null}
    </>
  );
}
