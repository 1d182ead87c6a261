const STATES = [
  [
    "Placed",
    "A majority of the regions has the order and its payment. Losing any one region for good does not undo it.",
  ],
  [
    "Refused",
    "Nothing was sold and nothing is owed, now or later: the reservation was over, or it is paid for under another key.",
  ],
  [
    "Indeterminate",
    "Somebody who may have written it did not say so in time. It may be written, it may not, and it may yet appear when a region comes back. To call it failed would be a guess, and so would to call it done.",
  ],
] as const;

/** Why an answer may be that there is none, and what helps. */
export function WhatIndeterminateMeans({ unsettled }: { unsettled: number }) {
  return (
    <section
      aria-labelledby="indeterminate"
      className="space-y-3 rounded-lg border border-line bg-surface p-4 text-sm sm:p-5"
    >
      <h2 id="indeterminate" className="text-lg font-semibold">
        What “indeterminate” means
      </h2>
      <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-[8rem_1fr]">
        {STATES.map(([name, meaning]) => (
          <div key={name} className="contents">
            <dt className="font-medium">{name}</dt>
            <dd className="max-w-2xl text-pretty text-muted">{meaning}</dd>
          </div>
        ))}
      </dl>
      <p className="max-w-2xl text-pretty">
        Every order has a key. Asking again with it finds what an earlier attempt wrote, or writes
        it now, whichever region leads by then: it is there once. If nobody asks, the leading
        region’s worker does, half a minute later.
      </p>
      <p role="status" className={unsettled > 0 ? "font-medium text-warn" : "text-muted"}>
        {unsettled === 0
          ? "None of your orders is unsettled now."
          : `${unsettled} of your orders ${unsettled === 1 ? "is" : "are"} unsettled now.`}
      </p>
    </section>
  );
}
