import { acknowledged } from "@/scripts/drill/chaos/history";
import type { Clock } from "@/scripts/drill/chaos/calls";
import { mayBeGone, type Checker, type Run } from "./run";

/**
 * The four session guarantees (Terry et al., "Session Guarantees for Weakly Consistent Replicated Data", 1994), of one
 * row: a session's clients ask one after the other, and nobody else changes what it writes. An answer whose receipt
 * says that it may lack something is none of these; that is what the product promises to say.
 */
type Step =
  | { kind: "write"; atMs: number; count: number; clock: Clock; stamp: string }
  | { kind: "read"; atMs: number; count: number; clock: Clock; told: boolean; stamp: string };

/** The steps of each session, in order, without what may be gone because its region went back. */
function stepsOf({ events, operations }: Run): Map<string, Step[]> {
  const isGone = mayBeGone(events);
  const sessions = new Map<string, Step[]>();
  const add = (session: string, step: Step) =>
    sessions.set(session, [...(sessions.get(session) ?? []), step]);
  const stampOf = ({ origin, position }: { origin: string; position: string }) =>
    `${origin}:${position}`;
  for (const { call, answer, endedMs } of acknowledged(operations, "session/write")) {
    if (isGone(answer)) continue;
    const { clock } = answer;
    const step = { kind: "write" as const, atMs: endedMs, count: call.count, clock };
    add(call.session, { ...step, stamp: stampOf(answer) });
  }
  for (const { call, answer, endedMs } of acknowledged(operations, "session/read")) {
    if (answer.stale || (answer.count >= 0 && isGone(answer))) continue;
    const { count, clock, complete } = answer;
    const step = { kind: "read" as const, atMs: endedMs, count, clock, told: !complete };
    add(call.session, { ...step, stamp: stampOf(answer) });
  }
  for (const steps of sessions.values()) steps.sort((a, b) => a.atMs - b.atMs);
  return sessions;
}

/** A checker that looks at each pair of a session's steps, the earlier one first. */
function ofPairs(name: string, isBroken: (earlier: Step, later: Step) => string | null): Checker {
  return {
    name,
    check: (run) =>
      [...stepsOf(run)].flatMap(([session, steps]) =>
        steps.flatMap((later, at) => {
          // One is enough to know that this step is wrong.
          for (const earlier of steps.slice(0, at)) {
            const how = isBroken(earlier, later);
            if (how !== null)
              return [`Session ${session}: ${how} (${earlier.stamp}, ${later.stamp})`];
          }
          return [];
        }),
      ),
  };
}

const covers = (a: Clock, b: Clock) =>
  Object.entries(b).every(([actor, count]) => (a[actor] ?? 0) >= count);

export const readYourWrites = ofPairs("read-your-writes", (earlier, later) =>
  earlier.kind === "write" && later.kind === "read" && later.count < earlier.count
    ? `wrote ${earlier.count} and then read ${later.count}`
    : null,
);

export const monotonicReads = ofPairs("monotonic-reads", (earlier, later) =>
  earlier.kind === "read" && later.kind === "read" && !later.told && later.count < earlier.count
    ? `read ${earlier.count} and then ${later.count}`
    : null,
);

export const monotonicWrites = ofPairs("monotonic-writes", (earlier, later) =>
  earlier.kind === "write" &&
  later.kind === "write" &&
  !(covers(later.clock, earlier.clock) && !covers(earlier.clock, later.clock))
    ? `its write ${later.count} does not follow its write ${earlier.count}`
    : null,
);

export const writesFollowReads = ofPairs("writes-follow-reads", (earlier, later) =>
  earlier.kind === "read" && later.kind === "write" && !covers(later.clock, earlier.clock)
    ? `its write ${later.count} does not follow the ${earlier.count} that it had read`
    : null,
);
