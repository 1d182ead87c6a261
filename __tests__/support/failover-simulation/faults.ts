import type { RegionId } from "@/lib/db/regions/region-id";
import type { SimulatedClient } from "./client";
import type { SimulatedDatabase } from "./database";
import type { SimulatedWorker } from "./worker";
import type { SimulatedWorld } from "./world";

/** Everything that faults may befall. */
export interface Stage {
  readonly world: SimulatedWorld;
  readonly workers: ReadonlyMap<string, SimulatedWorker>;
  readonly clients: readonly SimulatedClient[];
}

export interface Fault {
  readonly name: string;
  /** Within this region alone, so that the others can do without it. */
  readonly ofRegion?: RegionId;
  begin(stage: Stage): void;
  end(stage: Stage): void;
}

/** Most of what happens to the leader alone is of interest. */
function victim({ checker, random, options }: SimulatedWorld): RegionId {
  const [leader] = checker.leaders();
  return leader !== undefined && random.chance(0.55) ? leader : random.pick(options.regions);
}

const WAYS = ["out", "back"] as const;

type Make = (stage: Stage) => Fault;

/** What links have this fault: `from` and `to`, and which way. */
function cutting(
  name: string,
  links: readonly (readonly [RegionId, RegionId, "out" | "back"])[],
  ofRegion?: RegionId,
): Fault {
  return {
    name,
    ofRegion,
    begin: ({ world }) => links.forEach((link) => world.network.cut(...link)),
    end: ({ world }) => links.forEach((link) => world.network.heal(...link)),
  };
}

const both = (from: RegionId, to: RegionId) => WAYS.map((way) => [from, to, way] as const);

const cutRegion: Make = ({ world }) => {
  const { regions } = world.options;
  const region = victim(world);
  const others = regions.filter((id) => id !== region);
  const links = others.flatMap((id) => [...both(region, id), ...both(id, region)]);
  return cutting(`${region} is cut off`, links, region);
};

const cutDatabase: Make = ({ world }) => {
  const { regions } = world.options;
  const region = victim(world);
  const links = regions.flatMap((id) =>
    id === region && world.random.chance(0.5) ? [] : both(id, region),
  );
  return cutting(`the database of ${region} is cut off`, links, region);
};

const cutProcesses: Make = ({ world }) => {
  const { regions } = world.options;
  const region = victim(world);
  const links = regions.flatMap((id) => (id === region ? [] : both(region, id)));
  return cutting(`processes of ${region} reach only their own database`, links, region);
};

const cutOneWay: Make = ({ world }) => {
  const { regions } = world.options;
  const region = victim(world);
  const way = world.random.pick(WAYS);
  const links = regions.map((id) => [id, region, way] as const);
  const name = way === "out" ? "gets no calls" : "cannot answer";
  return cutting(`the database of ${region} ${name}`, links, region);
};

const cutPair: Make = ({ world }) => {
  const from = world.random.pick(world.options.regions);
  const to = world.random.pick(world.options.regions);
  return cutting(`${from} does not reach the database of ${to}`, both(from, to));
};

const cutSome: Make = ({ world }) => {
  const { regions } = world.options;
  const links = regions
    .flatMap((from) => regions.flatMap((to) => both(from, to)))
    .filter(() => world.random.chance(0.3));
  return cutting(`${links.map(([from, to, way]) => `${from}>${to} ${way}`).join(", ")} cut`, links);
};

const crashDatabase: Make = ({ world }) => {
  const database = world.database(victim(world));
  const { region } = database;
  let crashed = false;
  return {
    name: `the database of ${region} crashes`,
    ofRegion: region,
    begin: () => {
      if (database.state === "down") return;
      crashed = true;
      database.crash();
      world.writesOf(database).reset();
      // Calls that a stopped database had not begun are gone with their connections.
      world.network.forget(database);
    },
    end: () => {
      if (crashed) database.restart();
    },
  };
};

const stopDatabase: Make = ({ world }) => {
  const database = world.database(victim(world));
  return {
    name: `the database of ${database.region} is stopped`,
    ofRegion: database.region,
    begin: () => {
      if (database.state === "up") database.state = "stopped";
    },
    end: () => {
      if (database.state !== "stopped") return;
      database.state = "up";
      probeIfDue(database);
      world.network.goOn(database);
    },
  };
};

const refuseWrites: Make = ({ world }) => {
  const database = world.database(victim(world));
  return {
    name: `the database of ${database.region} takes no writes`,
    ofRegion: database.region,
    begin: () => (database.readOnly = true),
    end: () => (database.readOnly = false),
  };
};

const killWorker: Make = ({ world, workers }) => {
  const region = victim(world);
  return {
    name: `the worker of ${region} is killed`,
    ofRegion: region,
    begin: () => workers.get(region)?.kill(),
    end: () => workers.get(region)?.start(),
  };
};

const pauseWorker: Make = ({ world, workers }) => {
  const region = victim(world);
  return {
    name: `the worker of ${region} is stopped`,
    ofRegion: region,
    begin: () => workers.get(region)?.pause(),
    end: () => workers.get(region)?.goOn(),
  };
};

/**
 * A clock that is set back lengthens a lease, unless somebody probes its database before it shows again
 * what it has shown before: the limit that docs/FAILOVER.md names. Here somebody does, just before and
 * some time after.
 */
const stepClock: Make = ({ world }) => {
  const { random } = world;
  const database = world.database(victim(world));
  const size = random.chance(0.7) ? random.between(20, 4_500) : random.between(20, 30_000);
  const byMs = random.chance(0.65) ? -size : size;
  return {
    name: `the clock of ${database.region} is set by ${Math.round(byMs)} ms`,
    begin: () => {
      if (byMs > 0) return database.clock.step(byMs);
      if (database.state !== "up" || database.readOnly) return;
      database.probe();
      database.clock.step(byMs);
      database.probeDue = true;
      world.scheduler.after(random.between(0, Math.min(size, 600)), () => probeIfDue(database));
    },
    end: () => undefined,
  };
};

/** Where writes are refused the probe fails, and so does every lease that was to be held. */
function probeIfDue(database: SimulatedDatabase): void {
  if (!database.probeDue || database.state !== "up") return;
  database.probeDue = false;
  database.noteClock();
}

const loseMessages: Make = ({ world }) => {
  const rate = world.random.between(0.05, 0.4);
  return {
    name: `${Math.round(rate * 100)} % of all messages are lost`,
    begin: () => (world.network.lossRate = rate),
    end: () => (world.network.lossRate = 0),
  };
};

const slowLink: Make = ({ world }) => {
  const from = world.random.pick(world.options.regions);
  const to = world.random.pick(world.options.regions);
  const byMs = world.random.between(100, 900);
  const links = WAYS.map((way) => world.network.link(from, to, way));
  return {
    name: `${from} reaches the database of ${to} ${Math.round(byMs)} ms later`,
    begin: () => links.forEach((link) => (link.extraMs += byMs)),
    end: () => links.forEach((link) => (link.extraMs -= byMs)),
  };
};

const slowStream: Make = ({ world }) => {
  const { network, random, options } = world;
  const source = victim(world);
  const target = random.pick(options.regions.filter((id) => id !== source));
  const byMs = random.between(500, 3_500);
  return {
    name: `${target} applies what ${source} writes ${Math.round(byMs)} ms later`,
    begin: () => (network.link(target, source, "back").streamMs += byMs),
    end: () => (network.link(target, source, "back").streamMs -= byMs),
  };
};

const slowCommits: Make = ({ clients }) => ({
  name: "commits are slow",
  begin: () => clients.forEach((client) => (client.slowCommits = true)),
  end: () => clients.forEach((client) => (client.slowCommits = false)),
});

const request: Make = ({ world }) => {
  const { random } = world;
  const database = random.pick(world.databases);
  const kind = random.chance(0.7) ? "switchover" : "failover";
  const id = `${kind}/${random.below(1_000_000)}`;
  return {
    name: `a ${kind} to ${database.region} is asked for`,
    begin: () => {
      if (database.state === "up") database.request = id;
    },
    end: () => undefined,
  };
};

const MAKERS: readonly (readonly [Make, number])[] = [
  [cutRegion, 4],
  [cutDatabase, 4],
  [cutProcesses, 2],
  [cutOneWay, 2],
  [cutPair, 1],
  [cutSome, 2],
  [crashDatabase, 4],
  [stopDatabase, 3],
  [refuseWrites, 2],
  [killWorker, 3],
  [pauseWorker, 3],
  [stepClock, 6],
  [loseMessages, 1],
  [slowLink, 2],
  [slowStream, 7],
  [slowCommits, 2],
  [request, 5],
];

const TOTAL = MAKERS.reduce((sum, [, weight]) => sum + weight, 0);

export function drawFault(stage: Stage): Fault {
  let at = stage.world.random.between(0, TOTAL);
  for (const [make, weight] of MAKERS) {
    at -= weight;
    if (at < 0) return make(stage);
  }
  return cutRegion(stage);
}
