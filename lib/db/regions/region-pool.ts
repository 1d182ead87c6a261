import pg from "pg";

type Callback = Parameters<pg.Pool["connect"]>[0];
type Release = pg.PoolClient["release"];

/** After a connection was given back, in ms: a page that has more to ask has asked by then. */
const QUIET_MS = 100;

/**
 * A pool that keeps a connection over which the database has refused something: pg's own closes it after
 * any error. Over a link of 110 ms the next one takes more than a second, and a hand-over refuses many.
 */
export class RegionPool extends pg.Pool {
  constructor(config: pg.PoolConfig) {
    super(config);
    // One that breaks fails its queries. Nobody listens while it is taken for a rehearsal.
    this.on("connect", (client) => client.on("error", () => undefined));
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Callback): void;
  override connect(callback?: Callback): Promise<pg.PoolClient> | void {
    if (callback === undefined) return super.connect();
    // So does `query`, which runs one statement and then calls `release` with its error. A transaction asks with
    // a promise: one that has failed may still be open.
    super.connect((error, client, done) => {
      if (client) client.release = keptWhenRefused(client.release.bind(client));
      callback(error, client, done);
    });
  }
}

/**
 * A named statement's plan no longer gives what it was told to, since a migration, or the name is not known to
 * the server behind a pooler: the connection would be refused the same again.
 */
const PLAN_LOST = ["0A000", "26000"];

function keptWhenRefused(release: Release): Release {
  return (error) => {
    const refused = error instanceof pg.DatabaseError && error.severity === "ERROR";
    release(refused && !PLAN_LOST.includes(error.code ?? "") ? undefined : error);
  };
}

/**
 * Has each new connection of a pool rehearse a write once (`mr.rehearse_write`): the first one would else take
 * 20 ms for 1.5, and after a hand-over everybody's first write comes at once. One at a time, after its first
 * use, while nobody waits for a connection.
 */
export function rehearseWrites(pool: pg.Pool): void {
  const fresh = new Set<pg.PoolClient>();
  let rehearsing = false;

  const rehearseIdle = async () => {
    for (let client = await takeFresh(pool, fresh); client; client = await takeFresh(pool, fresh)) {
      fresh.delete(client);
      try {
        await client.query("SELECT mr.rehearse_write()");
        client.release();
      } catch (error) {
        // A replica, or a database that is not migrated yet, refuses; nothing depends on it.
        client.release(!(error instanceof pg.DatabaseError));
      }
    }
  };

  pool.on("connect", (client) => fresh.add(client));
  pool.on("remove", (client) => fresh.delete(client));
  pool.on("release", () => {
    if (fresh.size === 0 || rehearsing) return;
    rehearsing = true;
    const rehearse = () =>
      // The pool was closed, or its idle connections are gone and no other could be opened.
      void rehearseIdle()
        .catch(() => undefined)
        .finally(() => (rehearsing = false));
    setTimeout(rehearse, QUIET_MS).unref();
  });
}

/** An idle connection that has not rehearsed, if nobody waits for one. The pool gives the one used last first. */
async function takeFresh(
  pool: pg.Pool,
  fresh: ReadonlySet<pg.PoolClient>,
): Promise<pg.PoolClient | null> {
  const others: pg.PoolClient[] = [];
  try {
    while (fresh.size > 0 && pool.idleCount > 0 && pool.waitingCount === 0) {
      const client = await pool.connect();
      if (fresh.has(client)) return client;
      others.push(client);
    }
    return null;
  } finally {
    for (const client of others.reverse()) client.release();
  }
}
