import type pg from "pg";
import { isActor, type Actor } from "@/lib/db/regions/region-id";
import { MeridianError } from "@/lib/errors";

/** A region's database as repair sees it, without a short query time-out: as the owner, or as a peer to read. */
export interface RepairRegion {
  readonly id: string;
  readonly pool: pg.Pool;
}

/** Positions by actor as decimal text: everything up to them is in the snapshot. */
export type Held = Readonly<Record<string, string>>;

/** What a comparison reads from: one connection, or a pool where no snapshot is needed. */
export interface View {
  readonly region: string;
  readonly db: pg.Pool | pg.PoolClient;
}

/** A region at one moment. Has to be closed; until then it uses one connection of the pool. */
export interface Snapshot extends View {
  readonly actor: Actor;
  readonly held: Held;
  readonly schemaVersion: number;
  /** Replicated entities with their columns, by name. */
  readonly entities: ReadonlyMap<string, readonly string[]>;
  close(): Promise<void>;
}

/** Regions of different schema versions have rows that cannot be compared. */
export class SchemaMismatchError extends MeridianError {
  constructor(versions: Readonly<Record<string, number>>) {
    const text = Object.entries(versions).map(([region, version]) => `${region} has ${version}`);
    super("schema-mismatch", `The regions differ in schema version: ${text.join(", ")}.`, {
      data: { versions },
    });
  }
}

/**
 * Opens a REPEATABLE READ snapshot. It takes no transaction id, so it holds back no horizon.
 * Rejects when the region cannot be reached or has not been told its name.
 */
export async function openSnapshot(region: RepairRegion): Promise<Snapshot> {
  const client = await region.pool.connect();
  try {
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
       SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0`,
    );
    const { rows } = await client.query<{
      actor: string | null;
      held: Record<string, string>;
      schemaVersion: number;
      entities: Record<string, string[]>;
    }>(
      `SELECT mr.local_actor() AS actor, mr.held() AS held, mr.schema_version() AS "schemaVersion",
         (SELECT jsonb_object_agg(name, columns) FROM mr.entity) AS entities`,
    );
    const row = rows[0];
    if (!row?.actor || !isActor(row.actor)) {
      throw new MeridianError("no-region", `The database of ${region.id} has no region yet.`);
    }
    return {
      region: region.id,
      db: client,
      actor: row.actor,
      held: row.held,
      schemaVersion: row.schemaVersion,
      entities: new Map(
        Object.entries(row.entities).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
      ),
      close: async () => {
        await client.query("COMMIT").then(
          () => client.release(),
          () => client.release(true),
        );
      },
    };
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Throws SchemaMismatchError unless all have the same entities. */
export function requireSameSchema(snapshots: readonly Snapshot[]): void {
  const versions = Object.fromEntries(
    snapshots.map(({ region, schemaVersion }) => [region, schemaVersion]),
  );
  const shapes = snapshots.map(({ entities }) =>
    JSON.stringify([...entities].map(([name, columns]) => [name, [...columns].sort()])),
  );
  if (new Set(Object.values(versions)).size > 1 || new Set(shapes).size > 1) {
    throw new SchemaMismatchError(versions);
  }
}
