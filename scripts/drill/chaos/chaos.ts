import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { setMaxListeners } from "node:events";
import path from "node:path";
import { randomBytes } from "node:crypto";
import { systemSleep } from "@/lib/clock";
import { Runtime } from "@/lib/db/regions/runtime";
import { createDocument } from "@/lib/documents/write";
import { seededRandom } from "@/lib/seeded-random";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { openConnections } from "@/scripts/drill/leaders";
import { openPlanet, type DrillRegion } from "@/scripts/drill/planet-runtime";
import { moveToSmallDisk, type SmallDisk } from "@/scripts/drill/soak-faults";
import { until } from "@/scripts/drill/until";
import { judge, type Violation } from "./checkers/all";
import { CONVERGE_WITHIN_MS, differences } from "./checkers/convergence";
import { runOf } from "./checkers/run";
import { dumpRows, dumpState } from "./dump-state";
import { BusAttacker } from "./faults/bus";
import { callsNamed, HistoryWriter, operationsOf, readHistory } from "./history";
import { Injector } from "./inject";
import { observe } from "./observe";
import { planFaults, type FaultKind } from "./plan";
import { checkOut } from "./previous-version";
import type { RegionState } from "./region-state";
import { HISTORY_FILE, isStateFile, stateFile } from "./run-files";
import { detailOf, type World } from "./world";
import { transfer } from "./workloads/bank";
import { PLACES, releaseCanaries } from "./workloads/canaries";
import { PRODUCT, sell, STOCK } from "./workloads/inventory";
import { shareRegisters } from "./workloads/register";
import { insertAndDelete } from "./workloads/rows";
import { liveSessions } from "./workloads/sessions";
import { addElements } from "./workloads/set";
import { shareText, TEXT_OWNER } from "./workloads/text";

export interface ChaosOptions {
  minutes: number;
  seed: number;
  /** Where the history and the final states go. */
  dir: string;
  /** A commit whose workers take part, too; null: only this version's. */
  previous: string | null;
  /** Kinds of faults, and no others; null: all. */
  only: readonly FaultKind[] | null;
  log: (line: string) => void;
}

export interface ChaosResult {
  seed: number;
  minutes: number;
  acknowledged: number;
  /** That were made and undone, by kind. */
  faults: Record<string, number>;
  /** Where workers were to die, and how many of them got there. */
  points: Record<string, { tried: number; reached: number }>;
  violations: Violation[];
}

/** Before the first fault. */
const WARM_UP_MS = 5_000;
/** Clients go on for so long after the last fault: writes have to succeed again. */
const CALM_MS = 16_000;
/** For what is under way when clients stop: longer than any of them waits. */
const DRAIN_MS = 15_000;
const LOOK_EVERY_MS = 1_000;
/** Of what is not made of faults: heal, wait, look. Past it the drill itself is broken. */
const MOST_BESIDES_MS = 6 * 60_000;
const MOST_CLOSING_MS = 60_000;

/** Clients of every kind, from every region, while faults from a seed are made and undone; then what came of it. */
export async function drillChaos(options: ChaosOptions): Promise<ChaosResult> {
  mkdirSync(options.dir, { recursive: true });
  // A region that can't be asked in the end must not be judged by what it had in another run.
  for (const name of readdirSync(options.dir).filter(isStateFile))
    rmSync(path.join(options.dir, name));
  const planet = new ChildPlanet(["--headless"]);
  let chaos: Chaos | undefined;
  let disk: SmallDisk | string = "not tried";
  const { log, minutes, seed } = options;
  const ended = new AbortController();
  try {
    const earlier = options.previous === null ? null : await checkOut(options.previous, log);
    log("starting a planet");
    await planet.start();
    chaos = new Chaos(planet, options, earlier);
    disk = await moveToSmallDisk(chaos.regions.at(-1)!);
    if (typeof disk === "string") log(disk);
    const overdue = systemSleep(minutes * 60_000 + MOST_BESIDES_MS, ended.signal);
    const result = await Promise.race([chaos.run(disk), overdue]);
    if (result) return result;
    const detail = "The drill did not come to its end";
    const { acknowledged } = chaos.history;
    return {
      seed,
      minutes,
      acknowledged,
      faults: {},
      points: {},
      violations: [{ checker: "liveness", detail }],
    };
  } finally {
    const closing = systemSleep(MOST_CLOSING_MS, ended.signal);
    await Promise.race([chaos?.close(), closing]);
    await planet.stop();
    if (typeof disk !== "string") disk.remove();
    ended.abort();
    // Whatever hangs all the same must not keep the process from its end.
    setTimeout(() => process.exit(), MOST_CLOSING_MS).unref();
  }
}

class Chaos {
  readonly regions: DrillRegion[];
  private readonly runtime: Runtime;
  readonly history: HistoryWriter;
  private readonly writing = new AbortController();
  private readonly watching = new AbortController();
  private readonly bus: BusAttacker;

  constructor(
    private readonly planet: ChildPlanet,
    private readonly options: ChaosOptions,
    /** Where the version of before is. */
    private readonly earlier: string | null,
  ) {
    const { regions, topology } = openPlanet(planet);
    this.regions = regions;
    const addressSecret = randomBytes(24).toString("hex");
    this.runtime = new Runtime(() => ({ ...topology, residencies: PLACES, addressSecret }));
    // The documents' functions take the process's own.
    (globalThis as { meridianRuntime?: Runtime }).meridianRuntime = this.runtime;
    this.history = new HistoryWriter(path.join(options.dir, HISTORY_FILE));
    const { redis } = planet.cluster();
    if (redis === null) throw new Error("This drill needs Redis.");
    // Each client waits for them.
    setMaxListeners(0, this.writing.signal, this.watching.signal);
    this.bus = new BusAttacker(redis, this.ids(), seededRandom(options.seed));
  }

  async close(): Promise<void> {
    this.writing.abort();
    this.watching.abort();
    this.bus.close();
    delete (globalThis as { meridianRuntime?: Runtime }).meridianRuntime;
    await this.runtime.close();
    await Promise.all(this.regions.map(({ pool }) => pool.end()));
  }

  async run(disk: SmallDisk | string): Promise<ChaosResult> {
    const { options, planet, regions, history, bus } = this;
    const { log, minutes, seed, only } = options;
    log("opening connections");
    await openConnections(regions, this.runtime);
    await bus.listen();
    const documentId = await this.prepare();
    history.note({ type: "phase", phase: "started" });
    const observing = observe(history, regions, this.watching.signal);
    const clients = this.clients(documentId);
    await systemSleep(WARM_UP_MS);
    const injector = new Injector({
      planet,
      regions,
      history,
      bus,
      disk: typeof disk === "string" ? null : disk,
      previous: this.earlier,
      log,
    });
    const smallDisk = typeof disk === "string" ? null : regions.at(-1)!.id;
    const previous = this.earlier !== null;
    const acts = planFaults({ seed, minutes, only, regions: this.ids(), smallDisk, previous });
    await injector.run(acts, AbortSignal.timeout(minutes * 60_000));
    await planet.control("POST", "/reset", {});
    history.note({ type: "phase", phase: "healed" });
    log("everything is healed; clients go on for a moment");
    await systemSleep(CALM_MS);
    this.writing.abort();
    await Promise.race([clients, systemSleep(DRAIN_MS)]);
    history.note({ type: "phase", phase: "stopped" });
    log("waiting until all regions have the same");
    const deadlineMs = performance.now() + CONVERGE_WITHIN_MS;
    await this.converge(deadlineMs);
    this.watching.abort();
    await observing;
    let { states, silent } = await this.dump();
    // One after the other they are asked, and workers write too: a text is put together within a second.
    while (differences(states).length > 0 && performance.now() < deadlineMs) {
      await this.converge(deadlineMs);
      ({ states, silent } = await this.dump());
    }
    const events = readHistory(path.join(options.dir, HISTORY_FILE));
    const violations = judge(runOf(events, states));
    violations.push(...silent.map((detail) => ({ checker: "convergence", detail })));
    for (const failure of injector.failed)
      violations.push({ checker: "liveness", detail: `A fault could not be made: ${failure}` });
    const { acknowledged } = history;
    const { made: faults, points } = injector;
    return { seed, minutes, acknowledged, faults, points, violations };
  }

  private ids() {
    return this.regions.map(({ id }) => id);
  }

  /** The product and the shared document, known everywhere. Returns the document's id. */
  private async prepare(): Promise<string> {
    const { regions, options } = this;
    options.log("waiting until every region knows the product and the document");
    const actor = { userId: TEXT_OWNER, vantage: regions[0]!.id };
    const made = await createDocument(actor, { title: TEXT_OWNER, content: "The first line." });
    if (!made.ok) throw new Error(made.message);
    await regions[0]!.pool.query(`INSERT INTO "Product" (id, name, stock) VALUES ($1, $1, $2)`, [
      PRODUCT,
      STOCK,
    ]);
    for (const { id, pool } of regions) {
      await until(`${id} to know them`, async () => {
        const { rowCount } = await pool.query(
          `SELECT FROM "Document" d, "Product" p WHERE d.id = $1 AND p.id = $2`,
          [made.value.id, PRODUCT],
        );
        return rowCount === 1;
      });
    }
    return made.value.id;
  }

  private clients(documentId: string): Promise<unknown> {
    const world: World = {
      history: this.history,
      runtime: () => this.runtime,
      regions: this.ids(),
      random: seededRandom(this.options.seed + 1),
      signal: this.writing.signal,
    };
    return Promise.all([
      addElements(world),
      shareRegisters(world),
      liveSessions(world),
      insertAndDelete(world),
      transfer(world),
      sell(world),
      shareText(world, documentId),
      releaseCanaries(world, this.options.minutes),
    ]);
  }

  /** Notes it if they come to the same in the time for it, and says how they differ if not. */
  private async converge(deadlineMs: number): Promise<void> {
    let found: string[] = [];
    while (performance.now() < deadlineMs) {
      const states = await Promise.all(
        this.regions.map(async ({ id, pool }) => ({ region: id, rows: await dumpRows(pool) })),
      ).catch(() => null);
      found = states ? differences(states) : ["a region does not answer"];
      if (found.length === 0) {
        this.history.note({ type: "phase", phase: "converged" });
        return;
      }
      await systemSleep(LOOK_EVERY_MS);
    }
    this.options.log(`they have not: ${found.slice(0, 10).join("; ")}`);
  }

  /** What each region has in the end, and why one does not say. */
  private async dump(): Promise<{ states: RegionState[]; silent: string[] }> {
    const { dir } = this.options;
    const written = callsNamed(
      operationsOf(readHistory(path.join(dir, HISTORY_FILE))),
      "canary/write",
    );
    const canaries = new Map(written.map(({ call }) => [call.text, call.regions]));
    const states: RegionState[] = [];
    const silent: string[] = [];
    for (const region of this.regions) {
      try {
        const state = await dumpState(region, canaries);
        writeFileSync(path.join(dir, stateFile(region.id)), JSON.stringify(state));
        states.push(state);
      } catch (error) {
        silent.push(`What ${region.id} has could not be read: ${detailOf(error)}`);
      }
    }
    return { states, silent };
  }
}
