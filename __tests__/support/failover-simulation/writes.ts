import { DatabaseError, type SimulatedDatabase } from "./database";
import type { Random } from "./random";
import type { Scheduler } from "./scheduler";
import type { PlantedBug } from "./planted-bugs";

export interface WriteTimes {
  /** Between BEGIN and the statement. */
  thinkMs: number;
  /** Between the statement and the commit. */
  openMs: number;
  /** Between the check at the commit and the disk. */
  diskMs: number;
}

export interface Written {
  position: number;
  /** How many reigns there had been when it passed the fence at its commit: later leaders have it. */
  reign: number;
}

interface Waiter {
  readonly run: () => void;
  exclusive: boolean;
  over: boolean;
}

/**
 * Transactions of one database that write a single-leader entity, with the lock and the two checks of
 * mr.fence and mr.fence_at_commit.
 */
export class Writes {
  /** A transaction passed a check of the fence at this moment. Returns how many reigns there have been. */
  onAccepted: () => number = () => 0;
  /** Transactions that hold the lock in shared mode. */
  private readonly shared = new Set<number>();
  private readonly queue: Waiter[] = [];

  constructor(
    private readonly database: SimulatedDatabase,
    private readonly scheduler: Scheduler,
    private readonly random: Random,
    private readonly bug: PlantedBug | undefined,
  ) {}

  /** A whole transaction; `done` gets what is on disk. */
  write(times: WriteTimes, done: (written: Written) => void, fail: (error: Error) => void): void {
    const { database, scheduler } = this;
    const begunMs = database.clock.nowMs();
    const { serverStart } = database;
    const serving = (work: () => void) => () => this.whenUp(serverStart, work, fail);
    const statement = () => {
      let position: number;
      try {
        database.refuseReadOnly();
        database.refuseUnlessLeading(
          this.bug === "fence-by-transaction-start" ? begunMs : undefined,
        );
        position = database.rows.begin();
      } catch (error) {
        return fail(error as DatabaseError);
      }
      this.onAccepted();
      this.shared.add(position);
      scheduler.after(
        times.openMs,
        serving(() => commit(position)),
      );
    };
    const commit = (position: number) => {
      if (!database.rows.isOpen(position)) return fail(new DatabaseError("shutdown"));
      try {
        database.refuseReadOnly();
        if (this.bug !== "no-fence-at-commit") {
          database.refuseUnlessLeading(
            this.bug === "fence-by-transaction-start" ? begunMs : undefined,
          );
        }
      } catch (error) {
        database.rows.abort(position);
        this.unlock(position);
        return fail(error as DatabaseError);
      }
      const reign = this.onAccepted();
      scheduler.after(
        times.diskMs,
        serving(() => {
          if (!database.rows.isOpen(position)) return fail(new DatabaseError("shutdown"));
          database.rows.commit(position);
          this.unlock(position);
          done({ position, reign });
        }),
      );
    };
    scheduler.after(
      times.thinkMs,
      serving(() => this.wait(statement, false)),
    );
  }

  /** Takes the lock alone, once all that hold it have ended; false: not in time, and nothing is held. */
  lockOut(waitMs: number, then: (locked: boolean) => void): void {
    const waiter = this.wait(() => then(true), true);
    if (waiter.over) return;
    const { serverStart } = this.database;
    this.scheduler.after(waitMs, () =>
      this.whenUp(
        serverStart,
        () => {
          if (waiter.over) return;
          waiter.over = true;
          then(false);
          this.drain();
        },
        () => undefined,
      ),
    );
  }

  /** Its database has crashed. */
  reset(): void {
    this.shared.clear();
    for (const waiter of this.queue.splice(0)) waiter.over = true;
  }

  /** In order: who waits for the lock alone holds up those that come after. */
  private wait(run: () => void, exclusive: boolean): Waiter {
    const waiter: Waiter = { run, exclusive, over: false };
    this.queue.push(waiter);
    this.drain();
    return waiter;
  }

  private drain(): void {
    for (;;) {
      const [first] = this.queue;
      if (!first) return;
      if (first.exclusive && !first.over && this.shared.size > 0) return;
      this.queue.shift();
      if (first.over) continue;
      first.over = true;
      first.run();
    }
  }

  private unlock(position: number): void {
    this.shared.delete(position);
    this.drain();
  }

  /** A database that was stopped goes on where it was. */
  private whenUp(serverStart: number, work: () => void, fail: (error: Error) => void): void {
    const { database } = this;
    if (database.state === "down" || database.serverStart !== serverStart) {
      return fail(new DatabaseError("shutdown"));
    }
    if (database.state === "up") return work();
    this.scheduler.after(this.random.between(5, 30), () => this.whenUp(serverStart, work, fail));
  }
}
