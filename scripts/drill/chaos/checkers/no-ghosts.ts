import { callsNamed } from "@/scripts/drill/chaos/history";
import { reservationsIn } from "@/scripts/drill/chaos/region-state";
import type { Checker } from "./run";

/** Nothing is anywhere that nobody wrote, nor anything whose writer was told that it was not written. */
export const noGhosts: Checker = {
  name: "no-ghosts",
  check({ operations, states }) {
    const possible = operations.filter(({ outcome }) => outcome !== "fail");
    const elements = new Set([
      ...callsNamed(possible, "set/add").map(({ call }) => call.element),
      ...callsNamed(possible, "rows/insert").map(({ call }) => call.element),
    ]);
    const lines = new Set(callsNamed(possible, "text/append").map(({ call }) => call.line));
    const transfers = new Map(
      callsNamed(possible, "bank/transfer").map(({ call }) => [call.key, call]),
    );
    const reservations = new Set(
      callsNamed(possible, "inventory/reserve").map(({ call }) => call.key),
    );
    const values = new Set(callsNamed(possible, "register/cas").map(({ call }) => call.to));
    const counts = new Map<string, Set<number>>();
    for (const { call } of callsNamed(possible, "session/write")) {
      counts.set(call.session, (counts.get(call.session) ?? new Set()).add(call.count));
    }
    return states.flatMap((state) => {
      const found: string[] = [];
      const ghost = (what: string) => found.push(`${state.region} has ${what}, which nobody wrote`);
      for (const each of state.elements) if (!elements.has(each)) ghost(`element ${each}`);
      for (const line of Object.values(state.texts).flat())
        if (!lines.has(line)) ghost(`line ${line}`);
      for (const { key, debit, credit, amount } of state.transfers) {
        const call = transfers.get(key);
        if (call?.debit !== debit || call.credit !== credit || call.amount !== amount)
          ghost(`transfer ${key}, ${amount} from ${credit} to ${debit}`);
      }
      for (const { key } of reservationsIn(state))
        if (!reservations.has(key)) ghost(`reservation ${key}`);
      for (const [key, value] of Object.entries(state.registers))
        if (!values.has(value)) ghost(`${value} in register ${key}`);
      for (const [key, { count }] of Object.entries(state.sessions))
        if (!counts.get(key)?.has(count)) ghost(`count ${count} in ${key}`);
      return found;
    });
  },
};
