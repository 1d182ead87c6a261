import { execFile } from "node:child_process";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { systemSleep } from "@/lib/clock";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { PlanetFiles } from "@/scripts/local/planet-files";
import { postgresName } from "@/scripts/local/planet-stores";
import { APP_ROLE } from "@/scripts/local/planet-env";
import { isAlive, signal } from "@/scripts/local/process-tools";
import { databasePid } from "@/scripts/drill/leaders";
import type { DrillRegion } from "@/scripts/drill/planet-runtime";
import { until } from "@/scripts/drill/until";
import { joinRegion } from "@/scripts/region/join";
import type { FailpointSetting } from "@/lib/failpoints";
import type { HistoryWriter } from "@/scripts/drill/chaos/history";
import { dieAt, type Arrival } from "./killed-at";

/** For a message that was under way when its sender was killed to be applied. */
const ARRIVAL_MS = 2_000;
const STEP = { timeoutMs: 60_000, everyMs: 100 };
/** Peers have to have seen a beat of the database that is lost: only so can it be known that it was. */
const BEAT = { timeoutMs: 20_000, everyMs: 100 };
/** For a worker that is to die while it heals. */
const HEALING_MS = 30_000;

export interface PutBackOptions {
  planet: ChildPlanet;
  regions: readonly DrillRegion[];
  history: HistoryWriter;
}

/**
 * Goes back to a copy of a region's database that was made while it was down, as somebody does who restores a backup: see
 * "Restoring a database from a backup" in docs/RUNBOOK.md. With `dying` the first worker that heals it dies at that point.
 */
export async function putBack(
  options: PutBackOptions,
  id: string,
  holdMs: number,
  dying: FailpointSetting | null,
): Promise<Arrival[]> {
  const place = new Place(options, id);
  const { region } = place;
  const folder = await place.folder();
  const copy = path.join(options.planet.dir, `copy-${id}`);
  const arrivals: Arrival[] = [];
  try {
    await place.down();
    // The server refuses files of another owner, and Node's copy does not keep the owner.
    await promisify(execFile)("cp", ["-a", folder, copy]);
    await place.up();
    const { rows } = await region.pool.query<{ actor: string; head: string; boot: string }>(
      "SELECT mr.local_actor() AS actor, mr.head()::text AS head, mr.boot() AS boot",
    );
    const { actor, head, boot } = rows[0]!;
    await systemSleep(holdMs);
    await until("the peers to know of this boot", () => place.isKnown(boot), BEAT);
    await place.down({ worker: true });
    await systemSleep(ARRIVAL_MS);
    const told = await place.told(actor);
    options.history.note({ type: "went-back", region: id, actor, copied: head, told });
    await rm(folder, { recursive: true });
    await rename(copy, folder);
    await withoutApplication(folder, async () => {
      await place.up({ worker: dying === null });
      if (dying) arrivals.push(await dieAt(options.planet, region, dying, HEALING_MS));
      await until("the database to be healed", () => place.writesAsAnother(actor), STEP);
    });
    signal(databasePid(options.planet, region.id), "SIGHUP");
    return arrivals;
  } finally {
    await place.release();
  }
}

/** The runbook keeps the application away from a database that does not know yet how old it is. */
async function withoutApplication(folder: string, run: () => Promise<void>): Promise<void> {
  const rules = path.join(folder, "pg_hba.conf");
  const usual = await readFile(rules, "utf8");
  await writeFile(rules, `host all ${APP_ROLE} 127.0.0.1/32 reject\n${usual}`);
  try {
    await run();
  } finally {
    await writeFile(rules, usual);
  }
}

/** Loses a region's database for good, and makes it anew from its peers: see "Losing a region" in docs/RUNBOOK.md. */
export async function rebuild(
  { planet, regions, history }: PutBackOptions,
  id: string,
): Promise<void> {
  const place = new Place({ planet, regions, history }, id);
  const folder = await place.folder();
  const { rows } = await place.region.pool.query<{ actor: string }>(
    "SELECT mr.local_actor() AS actor",
  );
  const { actor } = rows[0]!;
  try {
    await place.down({ worker: true });
    await systemSleep(ARRIVAL_MS);
    const told = await place.told(actor);
    history.note({ type: "went-back", region: id, actor, copied: "0", told });
    await rm(folder, { recursive: true });
    await place.up();
    const { directUrl, peerPasswords } = planet.cluster().regions.find((each) => each.id === id)!;
    const peers = planet.cluster().regions.filter((each) => each.id !== id);
    const { appPassword } = new PlanetFiles(planet.dir, planet.dir).secrets();
    // Again where it was interrupted, as an operator does: peers that were cut off a moment ago may not answer at once.
    const join = () =>
      joinRegion({ id, directUrl, appPassword, peerPasswords, peers, mode: "rebuild" });
    await until("the region to be made anew", () => join().then(() => true), STEP);
    await place.up({ worker: true });
    await until("the database to be healed", () => place.writesAsAnother(actor), STEP);
  } finally {
    await place.release();
  }
}

/** A region's database and worker, which are down or up together with it. */
class Place {
  readonly region: DrillRegion;

  constructor(
    private readonly options: PutBackOptions,
    private readonly id: string,
  ) {
    this.region = options.regions.find((region) => region.id === id)!;
  }

  async folder(): Promise<string> {
    const { rows } = await this.region.pool.query<{ folder: string }>(
      "SELECT current_setting('data_directory') AS folder",
    );
    return rows[0]!.folder;
  }

  async down({ worker = false } = {}): Promise<void> {
    if (worker) await this.act(`worker-${this.id}`, "hold");
    const pid = databasePid(this.options.planet, this.region.id);
    await this.act(postgresName(this.id), "hold");
    await until("the database to be down", async () => !isAlive(pid), STEP);
  }

  async up({ worker = false } = {}): Promise<void> {
    await this.act(postgresName(this.id), "start");
    const answers = async () => (await this.region.pool.query("SELECT 1")).rowCount === 1;
    await until("the database to answer", answers, STEP);
    if (worker) await this.act(`worker-${this.id}`, "start");
  }

  /** Whatever became of it, it is not kept down. */
  async release(): Promise<void> {
    for (const name of [postgresName(this.id), `worker-${this.id}`]) await this.act(name, "start");
  }

  /** How far any other region has applied what this one wrote. */
  async told(actor: string): Promise<string> {
    const positions = await Promise.all(
      this.peers().map(async ({ pool }) => {
        const { rows } = await pool.query<{ position: string }>(
          "SELECT position::text FROM mr.cursor WHERE actor = $1",
          [actor],
        );
        return BigInt(rows[0]?.position ?? "0");
      }),
    );
    return String(positions.reduce((most, each) => (each > most ? each : most), 0n));
  }

  async isKnown(boot: string): Promise<boolean> {
    const seen = await Promise.all(
      this.peers().map(async ({ pool }) => {
        const { rowCount } = await pool.query(
          "SELECT FROM mr.peer_beat WHERE region = $1 AND boot = $2",
          [this.id, boot],
        );
        return rowCount === 1;
      }),
    );
    return seen.every(Boolean);
  }

  async writesAsAnother(actor: string): Promise<boolean> {
    const { rows } = await this.region.pool.query<{ ready: boolean }>(
      "SELECT state = 'ready' AND mr.local_actor() <> $1 AS ready FROM mr.local",
      [actor],
    );
    return rows[0]?.ready === true;
  }

  private peers(): DrillRegion[] {
    return this.options.regions.filter((region) => region !== this.region);
  }

  private async act(name: string, action: "hold" | "start"): Promise<void> {
    await this.options.planet.control("POST", `/processes/${name}`, { action });
  }
}
