import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { SimulatedDatabase } from "./database";

export const VIOLATIONS = [
  /** Two databases may write at one moment. */
  "two-leases",
  /** A database took a write while another one held a lease. */
  "two-writers",
  "epoch-of-two-regions",
  /** A write that was acknowledged with quorum durability is not in a later leader. */
  "quorum-write-lost",
  /** A write that was acknowledged is not in every region once all are whole. */
  "write-lost",
  /** More changes of the leader than there were faults and requests. */
  "flapping",
  /** Nobody leads, or no write is taken, though a majority is whole. */
  "no-leader",
  "not-converged",
] as const;
export type Violation = (typeof VIOLATIONS)[number];

export interface Acknowledged {
  actor: Actor;
  position: number;
  durability: "region" | "quorum";
}

interface Reign {
  database: SimulatedDatabase;
  /** Writes of it that count are acknowledged in it or later. */
  epoch: bigint;
}

/** Watches all databases at once, in true time. */
export class Checker {
  readonly found: { violation: Violation; atMs: number; detail: string }[] = [];
  readonly acknowledged: Acknowledged[] = [];
  /** In the order in which they began to serve. */
  private readonly reigns: Reign[] = [];
  private lastAckMs = -Infinity;

  constructor(
    private readonly databases: readonly SimulatedDatabase[],
    private readonly nowMs: () => number,
  ) {}

  /** How many epochs have served after the first. */
  get changes(): number {
    return Math.max(0, this.reigns.length - 1);
  }

  get newestReign(): number {
    return this.reigns.length;
  }

  hasAckSince(sinceMs: number): boolean {
    return this.lastAckMs >= sinceMs;
  }

  /** To be asked after every event: a lease may become valid by time alone. */
  look(): void {
    let first: SimulatedDatabase | null = null;
    for (const database of this.databases) {
      // One that is stopped takes no write until it goes on, and then looks at its clock.
      if (database.state !== "up" || database.leading() === null) continue;
      if (first) this.report("two-leases", `${first.region} and ${database.region}`);
      first = database;
    }
  }

  /** Regions whose databases hold a lease now. */
  leaders(): RegionId[] {
    return this.databases
      .filter((database) => database.state === "up" && database.leading() !== null)
      .map(({ region }) => region);
  }

  noteAccepted(database: SimulatedDatabase): void {
    for (const other of this.databases) {
      if (other === database || other.state !== "up") continue;
      if (other.leading() !== null) {
        this.report("two-writers", `${database.region} beside ${other.region}`);
      }
    }
  }

  /** Whether this is the first lease of its epoch. */
  noteHeld(database: SimulatedDatabase, epoch: bigint): boolean {
    const known = this.reigns.find((reign) => reign.epoch === epoch);
    if (known) {
      if (known.database !== database) {
        this.report(
          "epoch-of-two-regions",
          `${epoch} of ${known.database.region} and ${database.region}`,
        );
      }
      return false;
    }
    const reign = { database, epoch };
    this.reigns.push(reign);
    for (const write of this.acknowledged) {
      if (write.durability === "quorum") this.expectIn(reign, write);
    }
    return true;
  }

  /** @param reignAtWrite how many reigns there were when it was written: leaders since then must have it */
  noteAcknowledged(write: Acknowledged, reignAtWrite: number): void {
    this.lastAckMs = this.nowMs();
    this.acknowledged.push(write);
    if (write.durability !== "quorum") return;
    for (const reign of this.reigns.slice(reignAtWrite)) this.expectIn(reign, write);
  }

  /** Once all faults are healed and streams have run dry. */
  expectAllInAll(): void {
    for (const { actor, position } of this.acknowledged) {
      for (const { region, rows } of this.databases) {
        if (!rows.has(actor, position)) {
          this.report("write-lost", `${actor}@${position} is not in ${region}`);
        }
      }
    }
  }

  /** Whether every region has as many of every actor's rows as that has itself. */
  hasConverged(): boolean {
    return this.databases.every(({ actor, rows }) => {
      const count = rows.countOf(actor);
      return (
        !rows.hasOpen() && this.databases.every((other) => other.rows.countOf(actor) === count)
      );
    });
  }

  report(violation: Violation, detail: string): void {
    if (this.found.length < 20) this.found.push({ violation, atMs: this.nowMs(), detail });
  }

  private expectIn({ database, epoch }: Reign, { actor, position }: Acknowledged): void {
    if (database.rows.has(actor, position)) return;
    this.report(
      "quorum-write-lost",
      `${actor}@${position} is not in ${database.region}, which leads epoch ${epoch}`,
    );
  }
}
