import { expect } from "vitest";
import type { TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { readAttempts } from "@/lib/db/failover/history";
import type { CutDirection } from "@/scripts/local/link-proxy";

/** More than a test makes. */
const ALL_ATTEMPTS = 100;

interface Leading {
  id: string;
  epoch: bigint;
  /** Within which its database looked, by the one clock of the machine that all three are on. */
  fromMs: number;
  toMs: number;
}

/** Who can write single-leader entities, as asked of each database, and faults between them. */
export class Leaders {
  /** Moments in which a region led beside a later one, and during which test. */
  readonly dual: string[] = [];
  private readonly ended = new AbortController();
  private readonly watching: Promise<void>;

  /** @param trueClock SQL for the machine's clock, where the databases' own may be set */
  constructor(
    private readonly planet: TestPlanet,
    private readonly trueClock = "clock_timestamp()",
  ) {
    this.watching = this.watch();
  }

  async stop(): Promise<void> {
    this.ended.abort();
    await this.watching;
  }

  async now(): Promise<string[]> {
    return (await this.leadings()).map(({ id }) => id);
  }

  /** The first to lead, other than `not`. */
  async leader(not?: string): Promise<string> {
    let found = "";
    await waitFor(
      async () => {
        [found = ""] = await this.now();
        return found !== "" && found !== not;
      },
      { timeoutMs: 15_000, what: "a leader" },
    );
    return found;
  }

  /** Until one region leads, and the cool-down is over. */
  async settle(): Promise<string> {
    await waitFor(
      async () => {
        const now = await this.now();
        const { rows } = await this.planet
          .region(now[0] ?? this.planet.ids[0] ?? "")
          .pool.query<{ cool: boolean }>(
            "SELECT abs(date_part('epoch', clock_timestamp() - since)) > 2.2 AS cool FROM mr.leadership",
          );
        return now.length === 1 && rows[0]?.cool === true;
      },
      { timeoutMs: 20_000, what: "one leader" },
    );
    return this.leader();
  }

  /** The newest that any region has heard of. */
  async epoch(): Promise<bigint> {
    const found = await Promise.all(
      this.planet.regions.map(async ({ pool }) => {
        const { rows } = await pool.query<{ epoch: string }>(
          "SELECT epoch::text FROM mr.leadership",
        );
        return BigInt(rows[0]?.epoch ?? "0");
      }),
    );
    return found.reduce((a, b) => (a > b ? a : b));
  }

  /**
   * Promotions so far. Not epochs: candidates that refuse each other use one up, and nobody is promoted in it.
   */
  async promotions(): Promise<number> {
    const attempts = await Promise.all(
      this.planet.regions.map(({ pool }) => readAttempts(pool, ALL_ATTEMPTS)),
    );
    const completed = attempts.flat().filter(({ status }) => status === "completed");
    return new Set(completed.map(({ id }) => id)).size;
  }

  /** Cuts what `from` uses to reach `to`. */
  cut(from: string, to: string, direction: CutDirection = "both"): void {
    this.planet.link(from, to).postgres.cut({ direction });
  }

  /** Cuts a region's database from everybody, its own worker too, and its worker from all others. */
  isolate(region: string, direction: CutDirection = "both"): void {
    for (const id of this.planet.ids) this.cut(id, region, direction);
    for (const id of this.planet.ids) if (id !== region) this.cut(region, id, direction);
  }

  healAll(): void {
    for (const from of this.planet.ids) {
      for (const to of this.planet.ids) this.planet.link(from, to).postgres.heal();
    }
  }

  /**
   * A region that is seen to lead after another one was seen to lead a later epoch leads beside it. Two
   * looks that overlap in time tell nothing of which was first.
   */
  private async watch(): Promise<void> {
    let newest = { epoch: 0n, sinceMs: Infinity };
    while (!this.ended.signal.aborted) {
      const now = await this.leadings();
      for (const { epoch, toMs } of now) {
        if (epoch > newest.epoch) newest = { epoch, sinceMs: toMs };
      }
      for (const { id, epoch, fromMs } of now) {
        if (epoch < newest.epoch && fromMs > newest.sinceMs) {
          const during = expect.getState().currentTestName;
          this.dual.push(`${id} in ${epoch}, ${newest.epoch} has begun: ${during}`);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  private async leadings(): Promise<Leading[]> {
    const answers = await Promise.all(
      this.planet.regions.map(async ({ id, pool }) => {
        const { rows } = await pool.query<{ epoch: string | null; from: number; to: number }>(
          `SELECT date_part('epoch', now()) * 1000 AS from, mr.leading()::text AS epoch,
             date_part('epoch', ${this.trueClock}) * 1000 AS to`,
        );
        const [row] = rows;
        return row?.epoch ? { id, epoch: BigInt(row.epoch), fromMs: row.from, toMs: row.to } : null;
      }),
    );
    return answers.filter((leading) => leading !== null);
  }
}
