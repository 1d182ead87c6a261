import type pg from "pg";
import { errorMessage } from "@/lib/errors";
import type { RegionId } from "@/lib/db/regions/region-id";
import { maskCredentials, getLogger } from "@/lib/log";
import { systemSleep } from "@/lib/clock";
import type { Service } from "@/lib/service";
import type { BusMode } from "./bus";
import { recordWorker } from "./store";

export interface PeerObserverOptions {
  region: RegionId;
  local: pg.Pool;
  /** Every region by id, this one included. */
  peers: ReadonlyMap<RegionId, pg.Pool>;
  /** How this region's events are announced now. */
  busMode: () => BusMode;
  intervalMs?: number;
  /** A peer has more of this region than the region itself, which refuses writes from now on. */
  onRestored?: () => void;
}

interface StatusRow {
  region: string;
  actor: string;
  head: string;
  last_event: string;
  pending: number;
  schema_version: number;
  now_ms: number;
  cursors: string;
  beat: string;
  beats: string;
}

/**
 * Asks every region's database how it is, and stores the answers in this region's: cursors (which
 * let the outbox be trimmed and sessions forget), pending events, latency, clock offset, health.
 */
export class PeerObserver implements Service {
  readonly name: string;
  private readonly stopping = new AbortController();

  constructor(private readonly options: PeerObserverOptions) {
    this.name = `peer observer of ${options.region}`;
  }

  async run(): Promise<void> {
    const loops = [...this.options.peers].map(([region, pool]) =>
      this.observeForever(region, pool),
    );
    await Promise.all(loops);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Asks each of the others once; what fails is asked again when the service runs. */
  async observeOnce(): Promise<void> {
    const others = [...this.options.peers].filter(([id]) => id !== this.options.region);
    await Promise.allSettled(others.map(([region, pool]) => this.observe(region, pool)));
  }

  /** One loop per peer: a slow or dead one does not delay what is known of the others. */
  private async observeForever(region: RegionId, pool: pg.Pool): Promise<void> {
    const { intervalMs = 1_000 } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const started = performance.now();
      try {
        await this.observe(region, pool);
        if (region === this.options.region) {
          await recordWorker(this.options.local, this.options.busMode());
        }
      } catch (err) {
        if (signal.aborted) return;
        await this.noteFailure(region, err);
      }
      await systemSleep(
        Math.max(intervalMs / 4, intervalMs - (performance.now() - started)),
        signal,
      );
    }
  }

  private async observe(region: RegionId, pool: pg.Pool): Promise<void> {
    // Of its own events a region lacks none.
    const applied = await this.options.local.query<{ position: string }>(
      `SELECT coalesce(max(c.position), CASE WHEN $1 = mr.local_region() THEN mr.head() ELSE 0 END)::text AS position
       FROM mr.peer p JOIN mr.cursor c USING (actor) WHERE p.region = $1`,
      [region],
    );
    // Not over `pool.query`: getting a connection is not part of the round trip.
    const client = await pool.connect();
    let row: StatusRow | undefined;
    let latencyMs = 0;
    let offsetMs = 0;
    try {
      const sentMs = Date.now();
      const started = performance.now();
      const { rows } = await client.query<StatusRow>({
        name: "mr_status",
        text: `SELECT region, actor, head::text, last_event::text, pending, schema_version,
                 (date_part('epoch', now) * 1000)::float8 AS now_ms, cursors::text,
                 coalesce(to_jsonb(s) ->> 'beat', '{}') AS beat,
                 coalesce(to_jsonb(s) -> 'beats' ->> $2, '{}') AS beats
               FROM mr.status($1::bigint) s`,
        values: [applied.rows[0]?.position ?? "0", this.options.region],
      });
      latencyMs = performance.now() - started;
      row = rows[0];
      // Half of the round trip went by before the peer looked at its clock.
      offsetMs = (row?.now_ms ?? 0) - (sentMs + latencyMs / 2);
      client.release();
    } catch (err) {
      client.release(true);
      throw err;
    }
    if (row?.region !== region) {
      throw new Error(`This endpoint answers as ${row?.region ?? "nobody"}, not as ${region}`);
    }
    const isPeer = region !== this.options.region;
    // In one transaction: the outbox must not be trimmed by cursors that are past what it holds.
    const noticed = await this.options.local.query<{ restored: boolean }>({
      name: "mr_observe_peer",
      text: `SELECT $12 AND mr.notice_restored($9::jsonb, $11::jsonb) AS restored,
               -- It votes once enough peers know no more of it than it does: in a restored copy it has
               -- forgotten promises. A state other than ready keeps it from voting anyway.
               CASE WHEN $12 THEN mr.confirm_acceptor($1)::text END,
               mr.observe_peer($1, $2, $3::bigint, $4::bigint, $5, $6, $7, $8, $9::jsonb),
               CASE WHEN $12 THEN mr.observe_beat($1, $10::jsonb)::text END`,
      values: [
        region,
        row.actor,
        row.head,
        row.last_event,
        row.pending,
        row.schema_version,
        latencyMs,
        offsetMs,
        row.cursors,
        row.beat,
        row.beats,
        isPeer,
      ],
    });
    if (noticed.rows[0]?.restored) this.options.onRestored?.();
  }

  private async noteFailure(region: RegionId, err: unknown): Promise<void> {
    getLogger("peers").debug({ err, peer: region }, "peer not observed");
    await this.options.local
      .query("SELECT mr.observe_peer_failure($1, $2)", [
        region,
        maskCredentials(errorMessage(err)).slice(0, 200),
      ])
      .catch(() => undefined);
  }
}
