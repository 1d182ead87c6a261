import { acknowledged, callsNamed } from "@/scripts/drill/chaos/history";
import { mayBeGone, type Checker, type Run } from "./run";

/**
 * Free, held and sold units are the stock, the rights to sell are the free units, and nobody's are negative. And whatever
 * the databases say in the end: what clients were given was never more than there is.
 */
export const escrow: Checker = {
  name: "escrow",
  check(run) {
    const products = run.states.flatMap(({ region, inventory }) =>
      inventory.map((each) => ({ region, ...each })),
    );
    const found = products.flatMap(({ region, product, stock, free, rights, reservations }) => {
      const taken = reservations
        .filter(({ status }) => status === "held" || status === "confirmed")
        .reduce((sum, { quantity }) => sum + quantity, 0);
      const held = Object.values(rights);
      const wrong: string[] = [];
      if (free + taken !== stock)
        wrong.push(`${region} has ${free} units of ${product} free and ${taken} taken of ${stock}`);
      if (held.some((units) => units < 0))
        wrong.push(`${region} knows of rights to ${product} below zero`);
      const sum = held.reduce((all, units) => all + units, 0);
      if (sum !== free)
        wrong.push(`${region} knows of rights to ${sum} of ${product}, and ${free} are free`);
      return wrong;
    });
    for (const { product, stock } of run.states[0]?.inventory ?? []) {
      const most = mostGivenAtOnce(run, product);
      if (most > stock)
        found.push(`Clients held ${most} units of ${stock} of ${product} at a time`);
    }
    return found;
  },
};

/** Counted from when a client was told of a reservation until one began to give it back: that is the least it can be. */
function mostGivenAtOnce({ events, operations }: Run, product: string): number {
  const isGone = mayBeGone(events);
  const givenBackMs = new Map(
    callsNamed(operations, "inventory/settle")
      .filter(({ call }) => call.to === "released")
      .map(({ call, invokedMs }) => [call.reservation, invokedMs]),
  );
  const changes = acknowledged(operations, "inventory/reserve")
    .filter(({ call, answer }) => call.product === product && !isGone(answer))
    .flatMap(({ call, answer, endedMs }) => [
      { atMs: endedMs, units: call.quantity },
      { atMs: givenBackMs.get(answer.reservation) ?? Infinity, units: -call.quantity },
    ])
    .filter(({ atMs }) => atMs < Infinity)
    .sort((a, b) => a.atMs - b.atMs || a.units - b.units);
  let given = 0;
  return changes.reduce((most, { units }) => Math.max(most, (given += units)), 0);
}
