import pg from "pg";
import { systemSleep } from "@/lib/clock";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { seededRandom } from "./random";

export interface RestartsOptions {
  seconds: number;
  seed: number;
  web: boolean;
  /** Whether databases are killed too; each comes back after about 10 s. */
  databases: boolean;
  log: (line: string) => void;
}

export interface RestartsResult {
  seed: number;
  seconds: number;
  /** Kills by kind of process. */
  faults: Record<string, number>;
  acknowledged: number;
  /** Acknowledged writes that some region does not have in the end. */
  lost: number;
  /** Events that some region counted more or fewer times than the origin wrote them. */
  appliedWrongly: number;
  /** From the last fault until a probe write from each region was seen in each other within 1 s. */
  recoveredMs: number;
  /** Longest of these probes after recovery. */
  lagMs: number;
  converged: boolean;
}

interface RegionStore {
  id: string;
  pool: pg.Pool;
}

const WRITES_PER_SECOND = 40;
const HOT_ROWS = 20;

/**
 * Kills workers, Redis and the web process at random while plain SQL writes go on in every region,
 * and compares in the end what was acknowledged with what each region has.
 */
export async function drillRestarts(options: RestartsOptions): Promise<RestartsResult> {
  const random = seededRandom(options.seed);
  const planet = new ChildPlanet(options.web ? [] : ["--headless"]);
  const stores: RegionStore[] = [];
  try {
    options.log("starting a planet");
    await planet.start();
    for (const { id, directUrl } of planet.cluster().regions) {
      stores.push({ id, pool: new pg.Pool({ connectionString: directUrl, max: 6 }) });
    }
    for (const { pool } of stores) pool.on("error", () => undefined);
    const writing = new AbortController();
    const acknowledged = new Map<string, string[]>();
    const writers = stores.map((store) => write(store, acknowledged, random, writing.signal));
    const faults = await inject(planet, options, random);
    if (options.databases) await untilAllAnswer(stores);
    const faultAtMs = performance.now();
    const { recoveredMs, lagMs } = await probeUntilFresh(stores, faultAtMs);
    options.log(`fresh again after ${Math.round(recoveredMs)} ms`);
    writing.abort();
    await Promise.all(writers);

    const converged = await converge(stores);
    return {
      seed: options.seed,
      seconds: options.seconds,
      faults,
      acknowledged: [...acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0),
      lost: await countLost(stores, acknowledged),
      appliedWrongly: await countWronglyApplied(stores),
      recoveredMs: Math.round(recoveredMs),
      lagMs: Math.round(lagMs),
      converged,
    };
  } finally {
    await Promise.all(stores.map(({ pool }) => pool.end()));
    await planet.stop();
  }
}

/** Inserts of new rows, and updates of a few rows that all regions fight over. */
async function write(
  { id: region, pool }: RegionStore,
  acknowledged: Map<string, string[]>,
  random: () => number,
  signal: AbortSignal,
): Promise<void> {
  const ids: string[] = [];
  acknowledged.set(region, ids);
  for (let n = 0; !signal.aborted; n++) {
    const id = n % 2 === 0 ? `new-${region}-${n}` : `hot-${Math.floor(random() * HOT_ROWS)}`;
    // A write whose answer is lost with its database is not acknowledged, whether it committed or not.
    const answered = await pool
      .query(
        `INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, $2, 'drill')
         ON CONFLICT (id) DO UPDATE SET title = EXCLUDED.title`,
        [id, `${region} ${n}`],
      )
      .then(
        () => true,
        () => false,
      );
    if (answered) ids.push(id);
    await systemSleep(1_000 / WRITES_PER_SECOND, signal);
  }
}

async function inject(
  planet: ChildPlanet,
  { seconds, databases, log }: RestartsOptions,
  random: () => number,
): Promise<Record<string, number>> {
  const faults: Record<string, number> = {};
  const untilMs = performance.now() + seconds * 1_000;
  while (performance.now() < untilMs) {
    await systemSleep(500 + random() * 2_000);
    const victims = (await planet.processes()).filter(
      ({ name }) => databases || !name.startsWith("postgres"),
    );
    const victim = victims[Math.floor(random() * victims.length)];
    if (!victim) continue;
    try {
      process.kill(victim.pid, "SIGKILL");
    } catch {
      continue; // it had ended by itself
    }
    const kind = victim.name.replace(/-.*/, "");
    faults[kind] = (faults[kind] ?? 0) + 1;
    log(`killed ${victim.name}`);
  }
  return faults;
}

async function untilAllAnswer(stores: readonly RegionStore[]): Promise<void> {
  for (const { pool } of stores) {
    while (
      !(await pool.query("SELECT 1").then(
        () => true,
        () => false,
      ))
    )
      await systemSleep(50);
  }
}

/** Writes a probe in every region until all others show all of one round within a second. */
async function probeUntilFresh(
  stores: readonly RegionStore[],
  sinceMs: number,
): Promise<{ recoveredMs: number; lagMs: number }> {
  for (let round = 0; performance.now() - sinceMs < 60_000; round++) {
    const startedMs = performance.now();
    const ids = stores.map(({ id }) => `probe-${id}-${round}`);
    await Promise.all(
      stores.map(({ pool }, index) =>
        pool.query(`INSERT INTO "Document" (id, title, "ownerId") VALUES ($1, 'probe', 'drill')`, [
          ids[index],
        ]),
      ),
    );
    while (performance.now() - startedMs < 1_000) {
      const seen = await Promise.all(stores.map(({ pool }) => countOf(pool, ids)));
      if (seen.every((count) => count === ids.length)) {
        return { recoveredMs: performance.now() - sinceMs, lagMs: performance.now() - startedMs };
      }
      await systemSleep(10);
    }
  }
  throw new Error("The regions were not fresh again within a minute");
}

async function countOf(pool: pg.Pool, ids: readonly string[]): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM "Document" WHERE id = ANY ($1)`,
    [ids],
  );
  return rows[0]?.n ?? 0;
}

const CONTENT = ["User", "Document", "Collaborator", "DocumentVersion"]
  .map((table) => `SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY t.id)) FROM "${table}" t`)
  .map((query) => `(${query})`)
  .join(", ");

async function converge(stores: readonly RegionStore[]): Promise<boolean> {
  const deadlineMs = performance.now() + 20_000;
  do {
    const hashes = await Promise.all(
      stores.map(async ({ pool }) =>
        JSON.stringify((await pool.query({ text: `SELECT ${CONTENT}`, rowMode: "array" })).rows),
      ),
    );
    if (new Set(hashes).size === 1) return true;
    await systemSleep(200);
  } while (performance.now() < deadlineMs);
  return false;
}

async function countLost(
  stores: readonly RegionStore[],
  acknowledged: ReadonlyMap<string, readonly string[]>,
): Promise<number> {
  const ids = [...new Set([...acknowledged.values()].flat())];
  const counts = await Promise.all(stores.map(({ pool }) => countOf(pool, ids)));
  return counts.reduce((sum, count) => sum + ids.length - count, 0);
}

/**
 * Each write raises its actor's entry in one row's clock by one, so the sum of these entries is the
 * number of events that the actor wrote. Each cursor counts the events that it applied.
 */
async function countWronglyApplied(stores: readonly RegionStore[]): Promise<number> {
  const clocks = ["User", "Document", "Collaborator", "DocumentVersion"]
    .map((table) => `SELECT clock FROM "${table}"`)
    .join(" UNION ALL ");
  let wrong = 0;
  for (const { pool } of stores) {
    const { rows } = await pool.query<{ difference: string }>(
      `SELECT abs(c.events - coalesce(w.written, 0)) AS difference FROM mr.cursor c LEFT JOIN (
         SELECT e.key AS actor, sum(e.value::bigint) AS written
         FROM (${clocks}) r, jsonb_each_text(r.clock) e GROUP BY e.key) w USING (actor)`,
    );
    wrong += rows.reduce((sum, row) => sum + Number(row.difference), 0);
  }
  return wrong;
}
