import { acknowledged, callsNamed } from "@/scripts/drill/chaos/history";
import type { Checker } from "./run";

/**
 * What a region shows of another one's stream is a beginning of it: everything up to its cursor, and nothing past it. Two
 * things come before their cursor, which has to have passed them in the end: the rest of a stream that has ended is copied by
 * ranges of rows, and who is to lead merges what others have of the former leaders' rows. Each snapshot has the rows past
 * the cursors of the one before, so that each row is looked at when it has to be there.
 */
export const prefix: Checker = {
  name: "prefix",
  check({ events, operations }) {
    const added = acknowledged(operations, "set/add");
    const found: string[] = [];
    const byLeader = new Set(
      callsNamed(operations, "set/add").flatMap(({ call }) =>
        call.by === "leader" ? [call.element] : [],
      ),
    );
    const ended = new Set<string>();
    const early: { region: string; element: string; origin: string; position: bigint }[] = [];
    const seenIn = new Map<string, { elements: Set<string>; cursors: Map<string, bigint> }>();
    for (const event of events) {
      if (event.type === "went-back") ended.add(event.actor);
      if (event.type !== "snapshot") continue;
      const { region, actor, cursors, rows } = event;
      let seen = seenIn.get(region);
      if (!seen) seenIn.set(region, (seen = { elements: new Set(), cursors: new Map() }));
      for (const [element] of rows) seen.elements.add(element);
      for (const [element, origin, position] of rows) {
        if (origin === actor || BigInt(position) <= BigInt(cursors[origin] ?? "0")) continue;
        if (ended.has(origin) || byLeader.has(element))
          early.push({ region, element, origin, position: BigInt(position) });
        else
          found.push(
            `${region} showed ${element} of ${origin} at ${position}, and had applied it to ` +
              `${cursors[origin] ?? "0"}`,
          );
      }
      for (const { call, answer } of added) {
        const at = BigInt(answer.position);
        const upto = cursors[answer.origin];
        if (upto === undefined || at > BigInt(upto)) continue;
        if (at <= (seen.cursors.get(answer.origin) ?? 0n) || seen.elements.has(call.element))
          continue;
        found.push(
          `${region} had applied ${answer.origin} to ${upto} and lacked ${call.element} at ${at}`,
        );
      }
      for (const [origin, upto] of Object.entries(cursors)) seen.cursors.set(origin, BigInt(upto));
    }
    for (const { region, element, origin, position } of early) {
      if ((seenIn.get(region)?.cursors.get(origin) ?? 0n) < position)
        found.push(`${region} showed ${element} of ${origin} at ${position}, and never got there`);
    }
    return found;
  },
};
