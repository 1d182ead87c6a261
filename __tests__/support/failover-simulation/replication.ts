import type { SimulatedDatabase } from "./database";
import type { SimulatedWorker } from "./worker";
import type { SimulatedWorld } from "./world";

/** Between two looks at a stream, at most; a batch then takes up to `TRAVEL_MS` more than the links. */
const LOOK_MS = 200;
const TRAVEL_MS = 60;

/** The streams between all regions: each is pulled by the worker of the region that applies it. */
export function startReplication(
  world: SimulatedWorld,
  workers: ReadonlyMap<string, SimulatedWorker>,
): void {
  for (const target of world.databases) {
    for (const source of world.databases) {
      const worker = workers.get(target.region);
      if (source === target || !worker) continue;
      const look = () => {
        if (worker.isRunning) pull(world, worker, source, target);
        world.scheduler.after(world.random.between(LOOK_MS / 3, LOOK_MS), look);
      };
      world.scheduler.after(world.random.between(0, LOOK_MS), look);
    }
  }
}

function pull(
  { network, random, scheduler }: SimulatedWorld,
  { process, region }: SimulatedWorker,
  source: SimulatedDatabase,
  target: SimulatedDatabase,
): void {
  if (source.state !== "up" || target.state !== "up") return;
  if (!network.isWhole(region, source.region) || !network.isWhole(region, target.region)) return;
  // The observer of peers asks on the same way whether the source knows more than the target does.
  if (!target.mayVote()) target.confirmAcceptor(source.region);
  const batch = source.rows.read(target.rows.cursorOf(source.actor));
  if (!batch) return;
  const { serverStart } = target;
  const apply = () => {
    const same = target.state === "up" && target.serverStart === serverStart && !target.readOnly;
    if (same && process?.isRunning) target.rows.apply(batch);
  };
  const link = network.link(region, source.region, "back");
  const delayMs = link.delayMs * 2 + link.streamMs;
  scheduler.after(delayMs + random.between(0, TRAVEL_MS), apply);
}
