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

/** Beats as JSON text; none of a database that is a migration behind and does not count them. */
async function readBeats(source: pg.Pool): Promise<string> {
  try {
    const { rows } = await source.query<{ beats: string }>(
      "SELECT coalesce(jsonb_object_agg(boot, beat), '{}')::text AS beats FROM mr.beat",
    );
    return rows[0]?.beats ?? "{}";
  } catch (error) {
    if (sqlState(error) === UNDEFINED_TABLE) return "";
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
  const { rows } = await source.query<{ actor: Actor | null }>("SELECT mr.local_actor() AS actor");
  const actor = rows[0]?.actor;
  if (!actor) throw new Error(`The database of ${origin} has no actor`);
  const beats = await readBeats(source);
  if (beats === "") return actor;
  const { rows: seen } = await target.query(
    `SELECT FROM mr.peer_beat p LEFT JOIN jsonb_each_text($2::jsonb) b ON b.key = p.boot
     WHERE p.region = $1 AND coalesce(b.value::bigint, 0) < p.beat`,
    [origin, beats],
  );
  if (seen.length > 0) throw new RestoredSourceError(origin);
  return actor;
}
