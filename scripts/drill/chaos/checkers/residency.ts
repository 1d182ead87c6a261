import { acknowledged, callsNamed } from "@/scripts/drill/chaos/history";
import { mayBeGone, mayBeGoneFrom, type Checker } from "./run";

/** A text that is kept in some regions is in no other one, and is where it is kept: otherwise the search found nothing. */
export const residency: Checker = {
  name: "residency",
  check({ events, operations, states }) {
    const leaks = callsNamed(operations, "canary/write").flatMap(({ call }) =>
      states
        .filter(({ region }) => !call.regions.includes(region))
        .flatMap(({ region, canaries }) =>
          (canaries[call.text] ?? []).map((where) => `${call.text} is in ${region}: ${where}`),
        ),
    );
    const isGone = mayBeGone(events);
    const missing = acknowledged(operations, "canary/write")
      .filter(({ call, answer, invokedMs }) => {
        const [only, second] = call.regions;
        return only !== undefined && second === undefined
          ? !mayBeGoneFrom(events, only)(answer, invokedMs)
          : !isGone(answer);
      })
      .flatMap(({ call }) =>
        states
          .filter(({ region }) => call.regions.includes(region))
          .filter(({ canaries }) => (canaries[call.text] ?? []).length === 0)
          .map(({ region }) => `${call.text} is not in ${region}, where it is kept`),
      );
    return [...leaks, ...missing];
  },
};
