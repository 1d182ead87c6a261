import type pg from "pg";
import { sqlState } from "@/lib/db/regions/faults";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { MeridianError } from "@/lib/errors";

/** The source's database is older than what this region has seen of it. */
export class RestoredSourceError extends MeridianError {
  constructor(origin: RegionId) {
    super(
      "source-restored",
      `The database of ${origin} is older than what this region has seen of it`,
      { data: { origin } },
    );
  }
}

const UNDEFINED_TABLE = "42P01";

type Beats = ReadonlyMap<string, bigint>;

/** Beats by boot; null of a database that is a migration behind and does not count them. */
async function readBeats(store: pg.Pool, text: string, values: unknown[]): Promise<Beats | null> {
  try {
    const { rows } = await store.query<{ boot: string; beat: string }>(text, values);
    return new Map(rows.map(({ boot, beat }) => [boot, BigInt(beat)]));
  } catch (error) {
    if (sqlState(error) === UNDEFINED_TABLE) return null;
    throw error;
  }
}

/**
 * Who a source is, to be asked after each new connection: it may lead to a database that has been
 * replaced. Events of a restored one count from a past that this region knows another future of.
 *
 * @throws RestoredSourceError until the source has taken a new incarnation
 */
export async function identifySource(
  source: pg.Pool,
  target: pg.Pool,
  origin: RegionId,
): Promise<Actor> {
  // Before the source is asked: what is seen of it after that may be newer than its answer, and it no old copy.
  const seen = await readBeats(
    target,
    "SELECT boot, beat::text FROM mr.peer_beat WHERE region = $1",
    [origin],
  );
  const { rows } = await source.query<{ actor: Actor | null }>("SELECT mr.local_actor() AS actor");
  const actor = rows[0]?.actor;
  if (!actor) throw new Error(`The database of ${origin} has no actor`);
  const beats = await readBeats(source, "SELECT boot, beat::text FROM mr.beat", []);
  if (beats === null) return actor;
  if (seen === null) throw new Error("This database is a migration behind the source");
  for (const [boot, beat] of seen) {
    if ((beats.get(boot) ?? 0n) < beat) throw new RestoredSourceError(origin);
  }
  return actor;
}
