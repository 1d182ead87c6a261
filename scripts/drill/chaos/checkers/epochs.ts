import type { Checker } from "./run";

/**
 * An epoch is led by one region, and two regions do not lead at a time: none says that it leads an epoch when it is asked
 * after another one had already said so of a later one.
 */
export const epochs: Checker = {
  name: "epochs",
  check({ events, states }) {
    const leaders = new Map<string, Set<string>>();
    const leads = (epoch: string, region: string) =>
      leaders.set(epoch, (leaders.get(epoch) ?? new Set()).add(region));
    const found: string[] = [];
    const seen = events.flatMap((event) => (event.type === "leader" ? [event] : []));
    for (const { promotions } of states) {
      for (const [epoch, regions] of Object.entries(promotions))
        for (const region of regions) leads(epoch, region);
    }
    let newest = { epoch: 0n, region: "" };
    const known: { fromMs: number; epoch: bigint; region: string }[] = [];
    for (const { atMs, askedMs, region, epoch } of seen) {
      leads(epoch, region);
      const later = known.findLast(({ fromMs }) => fromMs < askedMs);
      if (later && BigInt(epoch) < later.epoch)
        found.push(
          `${region} led epoch ${epoch} at ${Math.round(atMs)} ms, after ${later.region} had led ` +
            `epoch ${later.epoch}`,
        );
      if (BigInt(epoch) > newest.epoch) {
        newest = { epoch: BigInt(epoch), region };
        known.push({ fromMs: atMs, ...newest });
      }
    }
    for (const [epoch, regions] of leaders) {
      if (regions.size > 1) found.push(`Epoch ${epoch} was led by ${[...regions].join(" and ")}`);
    }
    return found;
  },
};
