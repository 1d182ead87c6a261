import { acknowledged, callsNamed } from "@/scripts/drill/chaos/history";
import { mayBeGone, type Checker } from "./run";

/**
 * Whoever is shown a line is shown, before it, the lines that its writer had seen, unless the answer says that it may lack
 * something. Each line names those that are new
 * to its writer since their last one, so that of all lines shown the whole past is looked at.
 */
export const causalOrder: Checker = {
  name: "causal-order",
  check({ events, operations, states }) {
    const isGone = mayBeGone(events);
    const seenBy = new Map(
      callsNamed(operations, "text/append").map(({ call }) => [call.line, call.seen]),
    );
    const gone = new Set(
      acknowledged(operations, "text/append")
        .filter(({ answer }) => isGone(answer))
        .map(({ call }) => call.line),
    );
    const broken = (where: string, lines: readonly string[]) => {
      const places = new Map<string, number>();
      for (const [place, line] of lines.entries()) if (!places.has(line)) places.set(line, place);
      return lines.flatMap((line, place) =>
        (seenBy.get(line) ?? [])
          .filter((cause) => !gone.has(cause))
          .filter((cause) => (places.get(cause) ?? Infinity) >= place)
          .map((cause) => `${where} showed ${line} and not ${cause} before it`),
      );
    };
    return [
      ...acknowledged(operations, "text/read")
        .filter(({ answer }) => !answer.stale)
        .flatMap(({ op, vantage, answer }) => broken(`Read ${op} from ${vantage}`, answer.lines)),
      ...states.flatMap(({ region, texts }) =>
        Object.values(texts).flatMap((lines) => broken(region, lines)),
      ),
    ];
  },
};
