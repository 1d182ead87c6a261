import { acknowledged } from "@/scripts/drill/chaos/history";
import { mayBeGone, type Checker } from "./run";

/** What was deleted stays deleted: for the session that did it from then on, and everywhere in the end. */
export const noResurrection: Checker = {
  name: "no-resurrection",
  check({ events, operations, states }) {
    const isGone = mayBeGone(events);
    const deletedMs = new Map(
      acknowledged(operations, "rows/delete")
        .filter(({ answer }) => !isGone(answer))
        .map(({ call, endedMs }) => [call.id, endedMs]),
    );
    const seen = acknowledged(operations, "rows/read")
      .filter(({ answer }) => answer.found && !answer.stale)
      .filter(({ call, invokedMs }) => invokedMs > (deletedMs.get(call.id) ?? Infinity))
      .map(({ call, vantage }) => `Session ${call.session} was shown ${call.id} from ${vantage}`);
    const left = states.flatMap(({ region, insertedIds }) =>
      insertedIds.filter((id) => deletedMs.has(id)).map((id) => `${region} has ${id}`),
    );
    return [...seen, ...left].map((what) => `${what}, which had been deleted`);
  },
};
