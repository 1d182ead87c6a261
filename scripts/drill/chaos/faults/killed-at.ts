import { randomUUID } from "node:crypto";
import { systemSleep } from "@/lib/clock";
import { formatFailpoint, type FailpointSetting } from "@/lib/failpoints";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { postgresName } from "@/scripts/local/planet-stores";
import type { ManagedProcess } from "@/scripts/local/supervisor";
import type { DrillRegion } from "@/scripts/drill/planet-runtime";
import { wayTo } from "@/scripts/drill/chaos/points";
import { until } from "@/scripts/drill/until";
import { startWorker, withoutWorkers } from "./workers";

/** Whether a worker that was to die at a point got there. */
export interface Arrival {
  region: string;
  setting: FailpointSetting;
  reached: boolean;
}

/** For a worker to load, to connect and to take part. */
const START_MS = 60_000;
/** For candidates to notice that nobody leads, and to come to the point. */
const ELECTION_MS = 10_000;
/** An attempt whose worker has died is in the way of another one for 15 s. */
const REQUEST_MS = 20_000;
const REQUEST_EVERY_MS = 200;

/** In place of a region's worker one that dies at a point, or after `patienceMs` at work without having got there. */
export function dieAt(
  planet: ChildPlanet,
  region: DrillRegion,
  setting: FailpointSetting,
  patienceMs: number,
): Promise<Arrival> {
  return withoutWorkers(planet, [region.id], async () => {
    const worker = await startDoomed(planet, region.id, setting);
    await untilRunning(worker, region);
    await Promise.race([worker.exited, systemSleep(patienceMs)]);
    return arrivalOf(worker, region.id, setting);
  });
}

export interface Candidacy {
  planet: ChildPlanet;
  regions: readonly DrillRegion[];
  leader: string;
  setting: FailpointSetting;
}

/**
 * Kills the leading database while the worker of each other region is to die at a point of taking over: all of them do,
 * one after the other. The database stays away for `holdMs` more than that.
 */
export async function killCandidates(
  { planet, regions, leader, setting }: Candidacy,
  holdMs: number,
): Promise<Arrival[]> {
  const database = (action: "hold" | "start") =>
    planet.control("POST", `/processes/${postgresName(leader)}`, { action });
  const candidates = regions.filter(({ id }) => id !== leader);
  const ids = candidates.map(({ id }) => id);
  try {
    return await withoutWorkers(planet, ids, async () => {
      const workers = await Promise.all(ids.map((id) => startDoomed(planet, id, setting)));
      await Promise.all(workers.map((worker, n) => untilRunning(worker, candidates[n]!)));
      await database("hold");
      const allDied = Promise.all(workers.map(({ exited }) => exited));
      await Promise.race([allDied, systemSleep(ELECTION_MS)]);
      return Promise.all(workers.map((worker, n) => arrivalOf(worker, ids[n]!, setting)));
    });
  } finally {
    await systemSleep(holdMs);
    await database("start");
  }
}

/** Asks a region to take over from a leader that is well, and its worker dies at a point of it. */
export function dieWhenAsked(
  { planet, regions, leader, setting }: Candidacy,
  candidate: string,
): Promise<Arrival> {
  const region = regions.find(({ id }) => id === candidate)!;
  return withoutWorkers(planet, [candidate], async () => {
    const worker = await startDoomed(planet, candidate, setting);
    await untilRunning(worker, region);
    let hasEnded = false;
    void worker.exited.then(() => (hasEnded = true));
    // One that is refused or fails is asked again, as an operator would; while an attempt is under way nothing happens.
    const isOver = async () => {
      if (hasEnded) return true;
      await region.pool.query("SELECT mr.request_leadership($1, $2, $3, 'drill', 'drill')", [
        randomUUID(),
        wayTo(setting.point),
        leader,
      ]);
      return false;
    };
    const patience = { timeoutMs: REQUEST_MS, everyMs: REQUEST_EVERY_MS };
    await until("it to die", isOver, patience).catch(() => undefined);
    return arrivalOf(worker, candidate, setting);
  });
}

function startDoomed(
  planet: ChildPlanet,
  region: string,
  setting: FailpointSetting,
): Promise<ManagedProcess> {
  const env = { FAILPOINT: formatFailpoint(setting) };
  return startWorker(planet, region, { name: "doomed-worker", env });
}

/** Nobody else kills it: if it has ended by SIGKILL it was at the point. */
async function arrivalOf(
  worker: ManagedProcess,
  region: string,
  setting: FailpointSetting,
): Promise<Arrival> {
  const exit = await Promise.race([worker.exited, systemSleep(0)]);
  worker.signal("SIGKILL");
  await worker.exited;
  if (exit && exit.signal !== "SIGKILL") {
    throw new Error(`The worker of ${region} ended by itself with exit code ${exit.code}`);
  }
  return { region, setting, reached: exit !== undefined };
}

/** Its publisher is the part of it that can be seen from outside. */
async function untilRunning(worker: ManagedProcess, { id, pool }: DrillRegion): Promise<void> {
  let hasEnded = false;
  void worker.exited.then(() => (hasEnded = true));
  const isThere = async () => {
    const { rowCount } = await pool.query(
      `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
       WHERE a.application_name = 'meridian-publisher' AND l.locktype = 'advisory' AND l.granted`,
    );
    return rowCount !== 0;
  };
  await until(`a worker of ${id}`, async () => hasEnded || isThere(), { timeoutMs: START_MS });
}
