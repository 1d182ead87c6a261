import type { Stamp } from "@/scripts/drill/chaos/calls";
import { acknowledged, callsNamed, type Operation } from "@/scripts/drill/chaos/history";
import { reservationsIn, type RegionState } from "@/scripts/drill/chaos/region-state";
import { mayBeGone, type Checker, type Run } from "./run";

/** Something that was acknowledged, and how a region shows that it has it. */
interface Promised {
  what: string;
  stamp: Stamp;
  isIn(state: RegionState): boolean;
  /** `<entity>/<id>`, where a former leader's list of what it had not told may account for it. */
  strandedAs?: string;
}

/**
 * Every acknowledged write is in every region in the end. Two things account for a missing one, each exactly:
 * its region went back to an older database and it was nowhere else, or it is of region durability and on the
 * list of what a former leader had not told.
 */
export const noLoss: Checker = {
  name: "no-loss",
  check(run) {
    const isGone = mayBeGone(run.events);
    return promisedBy(run)
      .filter(({ stamp }) => !isGone(stamp))
      .flatMap(({ what, isIn, strandedAs }) => {
        const isListed = run.states.some(
          ({ stranded }) => strandedAs !== undefined && strandedAs in stranded,
        );
        const lacking = isListed ? [] : run.states.filter((state) => !isIn(state));
        if (lacking.length === 0) return [];
        return [`${what} was acknowledged and is not in ${names(lacking)}`];
      });
  },
};

function* inOrder({ operations }: Run): Generator<Promised> {
  for (const { call, answer } of acknowledged(operations, "set/add")) {
    const { element, by, durability } = call;
    yield {
      what: `set element ${element} (${durability})`,
      stamp: answer,
      isIn: ({ elements }) => elements.includes(element),
      ...(by === "leader" && durability === "region" ? { strandedAs: `User/${element}` } : {}),
    };
  }
  for (const { call, answer } of acknowledged(operations, "text/append")) {
    const { document, line } = call;
    const isIn = ({ texts }: RegionState) => texts[document]?.includes(line) ?? false;
    yield { what: `line ${line}`, stamp: answer, isIn };
  }
  // One that somebody asked to have deleted may be there or not.
  const deleted = new Set(callsNamed(operations, "rows/delete").map(({ call }) => call.id));
  for (const { answer } of acknowledged(operations, "rows/insert")) {
    const { id } = answer;
    if (deleted.has(id)) continue;
    yield { what: `row ${id}`, stamp: answer, isIn: ({ insertedIds }) => insertedIds.includes(id) };
  }
  for (const { call, answer } of acknowledged(operations, "bank/transfer")) {
    const isIn = ({ transfers }: RegionState) => transfers.some(({ key }) => key === call.key);
    yield { what: `transfer ${call.key}`, stamp: answer, isIn };
  }
  for (const { answer } of acknowledged(operations, "inventory/reserve")) {
    const { reservation } = answer;
    const isIn = (state: RegionState) => reservationsIn(state).some(({ id }) => id === reservation);
    yield { what: `reservation ${reservation}`, stamp: answer, isIn };
  }
  for (const { call, answer } of acknowledged(operations, "inventory/settle")) {
    const isIn = (state: RegionState) =>
      reservationsIn(state).some(
        ({ id, status }) => id === call.reservation && status === answer.status,
      );
    yield {
      what: `reservation ${call.reservation}, ${answer.status},`,
      stamp: answer,
      isIn,
    };
  }
  for (const { call, answer } of lastWrites(operations)) {
    const isIn = ({ sessions }: RegionState) => (sessions[call.session]?.count ?? -1) >= call.count;
    yield { what: `write ${call.count} of session ${call.session}`, stamp: answer, isIn };
  }
}

/** Of each session: its counts grow, so whoever has the last one has them all. */
function lastWrites(operations: readonly Operation[]) {
  const last = new Map(
    acknowledged(operations, "session/write").map((write) => [write.call.session, write]),
  );
  return last.values();
}

const promisedBy = (run: Run): Promised[] => [...inOrder(run)];

const names = (states: readonly RegionState[]) => states.map(({ region }) => region).join(", ");
