import { escapeIdentifier, type Pool } from "pg";
import { MeridianError } from "@/lib/errors";
import { copyFrom, type Copied, type CopyProgress } from "@/lib/db/replication/repair/copy";
import { registerRegion, seenBeats, seenIncarnation } from "@/lib/db/replication/repair/enrol";
import { withCopyLock } from "@/lib/db/replication/repair/copy-lock";
import { untilLevel } from "@/lib/db/replication/repair/until-level";
import type { PolicyDefaults } from "@/lib/policy-defaults";
import { admitPeers, migrateRegions, type PeerPasswords } from "@/scripts/migrate-runner";
import { openRegions, reachable } from "./regions";

export interface JoinOptions {
  id: string;
  /** As the owner, and not through a pooler. The database may be empty. */
  directUrl: string;
  /** Password of the role meridian_app there, if it is to log in with one. */
  appPassword?: string;
  /** Of the roles that workers reach other regions as: this region's at the others, and theirs here. */
  peerPasswords?: PeerPasswords;
  /** Every other region. */
  peers: readonly { id: string; directUrl: string }[];
  /**
   * - `add`: a region that never was.
   * - `rebuild`: one whose database is lost; the new one writes as its next incarnation.
   */
  mode: "add" | "rebuild";
  /** For entities that leave their topology or durability open: as the peers have it. */
  defaults?: PolicyDefaults;
  log?: (line: string) => void;
  onProgress?: (progress: CopyProgress) => void;
}

export interface Joined {
  region: string;
  actor: string;
  /** Rows by source; the sources after the first send only what the former ones lacked. */
  copied: Copied[];
  /** Regions that could not be told. Once they are back: the same command again, or repair. */
  unreachable: string[];
  /** Peers that lack something of the region's former incarnation yet: they get it once their workers run. */
  behind: string[];
  ms: number;
}

export class JoinRefusedError extends MeridianError {
  constructor(message: string) {
    super("join-refused", message);
  }
}

/**
 * Keeps the application away from a database that does not have its rows yet: it would serve a
 * session less than it saw elsewhere. The owner, and so the worker, still connects.
 */
async function close(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ database: string; role: boolean }>(
    `SELECT current_database() AS database,
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'meridian_app') AS role`,
  );
  const database = escapeIdentifier(rows[0]?.database ?? "");
  await pool.query(`REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`);
  if (!rows[0]?.role) return;
  await pool.query(`REVOKE CONNECT ON DATABASE ${database} FROM meridian_app`);
  await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = 'meridian_app'`,
  );
}

async function open(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ database: string }>("SELECT current_database() AS database");
  await pool.query(
    `GRANT CONNECT ON DATABASE ${escapeIdentifier(rows[0]?.database ?? "")} TO PUBLIC`,
  );
}

/** Refuses a database that holds something other than what an interrupted join left. */
async function requireFresh(pool: Pool, id: string): Promise<void> {
  const { rows: found } = await pool.query<{ migrated: boolean }>(
    "SELECT to_regclass('mr.local') IS NOT NULL AS migrated",
  );
  if (!found[0]?.migrated) return;
  const { rows } = await pool.query<{ region: string; state: string }>(
    "SELECT region, to_jsonb(l) ->> 'state' AS state FROM mr.local l",
  );
  const row = rows[0];
  if (row === undefined || (row.region === id && row.state === "copying")) return;
  throw new JoinRefusedError(
    row.region === id
      ? `The database of ${id} is in use (${row.state}). A rebuild needs an empty one.`
      : `This database belongs to ${row.region}, not to ${id}.`,
  );
}

async function migrate(options: JoinOptions): Promise<void> {
  const { id, directUrl, appPassword, peerPasswords, defaults, log } = options;
  const region = { id, directUrl, appPassword, peerPasswords, isPrimary: true };
  const [report] = await migrateRegions([region], {
    initialise: false,
    retryFailed: true,
    defaults,
    log,
  });
  if (!report?.ok) {
    throw new JoinRefusedError(`The database of ${id}: ${report?.error?.message ?? "no report"}`);
  }
}

/** Names the database; the leader is the one that the most recent of the others knows. */
async function name(
  pool: Pool,
  id: string,
  incarnation: number,
  peers: readonly { id: string; pool: Pool }[],
): Promise<string> {
  let leadership = { epoch: "0", leader: "" };
  for (const peer of peers) {
    const { rows } = await peer.pool.query<{ epoch: string; leader: string }>(
      "SELECT epoch::text, leader FROM mr.leadership",
    );
    const theirs = rows[0];
    if (theirs && BigInt(theirs.epoch) > BigInt(leadership.epoch)) leadership = theirs;
  }
  await pool.query(
    `INSERT INTO mr.local AS l (region, incarnation, state) VALUES ($1, $2, 'copying')
     ON CONFLICT (singleton) DO UPDATE SET incarnation = greatest(l.incarnation, EXCLUDED.incarnation)`,
    [id, incarnation],
  );
  await pool.query(
    `INSERT INTO mr.leadership (epoch, leader) VALUES ($1, $2)
     ON CONFLICT (singleton) DO UPDATE SET epoch = EXCLUDED.epoch, leader = EXCLUDED.leader`,
    [leadership.epoch, leadership.leader],
  );
  const { rows } = await pool.query<{ regions: string[] }>(
    "SELECT array_agg(id) AS regions FROM mr.region",
  );
  const all = new Set([id, ...peers.map((peer) => peer.id), ...(rows[0]?.regions ?? [])]);
  await pool.query("SELECT mr.init_region($1, $2, $3::text[])::text", [
    id,
    leadership.leader,
    [...all],
  ]);
  await adoptPromises(pool, peers, all.size);
  const { rows: named } = await pool.query<{ actor: string }>("SELECT mr.local_actor() AS actor");
  return named[0]?.actor ?? id;
}

/**
 * An acceptor that forgot its promises with its database could give them twice. Each of them was given to
 * a majority, so one of the others knows it, if all of the others are asked; else the new acceptor votes
 * for nobody until a later epoch.
 */
async function adoptPromises(
  pool: Pool,
  peers: readonly { pool: Pool }[],
  registered: number,
): Promise<void> {
  let highest = { epoch: "0", region: "" };
  for (const peer of peers) {
    const { rows } = await peer.pool.query<{ epoch: string; region: string }>(
      "SELECT promised_epoch::text AS epoch, promised_to AS region FROM mr.acceptor",
    );
    if (rows[0] && BigInt(rows[0].epoch) > BigInt(highest.epoch)) highest = rows[0];
  }
  const all = peers.length === registered - 1;
  await pool.query("SELECT mr.adopt_promise($1::bigint, $2)", [
    all ? highest.epoch : `${BigInt(highest.epoch) + 1n}`,
    all ? highest.region : "",
  ]);
}

/**
 * Makes an empty database a region, or a lost region's again, while the others go on writing. It is
 * registered everywhere before the copy begins, so nothing that is written meanwhile is dropped;
 * its worker pulls that from the cursors that the copy ends with. Repeatable after an interruption.
 *
 * @throws JoinRefusedError
 */
export async function joinRegion(options: JoinOptions): Promise<Joined> {
  const { id, mode, log } = options;
  const startedMs = performance.now();
  const others = openRegions(options.peers.filter((peer) => peer.id !== id));
  const own = openRegions([{ id, directUrl: options.directUrl }]);
  const [target] = own.regions;
  if (!target) throw new JoinRefusedError("No region was named.");
  try {
    const { up, down } = await reachable(others.regions);
    if (up.length === 0) throw new JoinRefusedError("None of the other regions can be reached.");
    await requireFresh(target.pool, id);
    const seen = await seenIncarnation(up, id);
    if (mode === "add" && seen !== null) {
      throw new JoinRefusedError(`The others know a region ${id} already: use "rebuild".`);
    }
    await close(target.pool);
    await migrate(options);
    return await withCopyLock(target, async () => {
      await registerRegion(up, id, { anew: true });
      const ownPassword = options.peerPasswords?.[id];
      if (ownPassword !== undefined) {
        await Promise.all(up.map((peer) => admitPeers(peer.pool, peer.id, { [id]: ownPassword })));
      }
      const incarnation = mode === "add" ? 0 : (seen ?? 0) + 1;
      const actor = await name(target.pool, id, incarnation, up);
      log?.(`${id}: writes as ${actor}, registered in ${up.map((peer) => peer.id).join(", ")}`);
      const copied = await copyFrom(up, target, options.onProgress);
      const behind = mode === "add" ? [] : await untilLevel(target, up);
      await target.pool.query("SELECT mr.accept_writes($1::jsonb)", [
        JSON.stringify(await seenBeats(up, id)),
      ]);
      await open(target.pool);
      const ms = Math.round(performance.now() - startedMs);
      return { region: id, actor, copied, unreachable: down, behind, ms };
    });
  } finally {
    await Promise.all([others.close(), own.close()]);
  }
}
