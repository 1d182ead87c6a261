import {
  LeaderBusyError,
  type ControlSample,
  type GrantOutcome,
  type Held,
  type HoldOutcome,
  type LeaseRequest,
  type PromiseAnswer,
  type PromiseRequest,
  type RegionControl,
  type RowsPart,
} from "@/lib/db/failover/region-control";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Position } from "@/lib/db/sessions/positions";
import { DatabaseError } from "./database";
import type { Process } from "./process";
import type { Call } from "./network";
import type { SimulatedWorld } from "./world";

/** As in lib/db/failover/pg-region-control.ts. */
const ROWS_MS = 3_000;

/** The database of one region, as a worker of another one reaches it. */
export class SimulatedRegionControl implements RegionControl {
  constructor(
    readonly region: RegionId,
    private readonly process: Process,
    private readonly world: SimulatedWorld,
  ) {}

  probe(): Promise<ControlSample> {
    return this.ask((database) => database.probe());
  }

  sample(): Promise<ControlSample> {
    return this.ask((database) => database.control());
  }

  grant(epoch: bigint, leader: RegionId, actor: Actor): Promise<GrantOutcome> {
    return this.ask((database) => database.grantLease(epoch, leader, actor));
  }

  /** The promise commits before the rows are read: mr.promise_and_tell. */
  promise(request: PromiseRequest): Promise<PromiseAnswer> {
    const { scheduler, random, options } = this.world;
    const measuresFirst = options.bug === "measure-before-promise";
    const pauseMs = random.between(0.1, measuresFirst ? 800 : random.chance(0.3) ? 300 : 2);
    return this.call<PromiseAnswer>(ROWS_MS, (database, answer, fail) => {
      const { serverStart } = database;
      const later = (read: () => void) =>
        scheduler.after(pauseMs, () => {
          if (database.state === "up" && database.serverStart === serverStart) orFail(fail, read);
          else fail(new Error("lost with its connection"));
        });
      if (measuresFirst) {
        const rows = database.rowsBeyond(request.held);
        return later(() => {
          const outcome = database.promiseEpoch(request);
          answer(outcome === "promised" ? { outcome, ...database.follows(), rows } : { outcome });
        });
      }
      const outcome = database.promiseEpoch(request);
      if (outcome !== "promised") return answer({ outcome });
      later(() =>
        answer({ outcome, ...database.follows(), rows: database.rowsBeyond(request.held) }),
      );
    });
  }

  hold(request: LeaseRequest): Promise<HoldOutcome> {
    const { leaseMs } = this.world.settings;
    return this.ask((database) => database.holdLease({ ...request, leaseMs }));
  }

  release(epoch: bigint, after: Position, waitMs: number): Promise<RowsPart[]> {
    return this.call<RowsPart[]>(waitMs + ROWS_MS, (database, answer, fail) => {
      this.world.writesOf(database).lockOut(waitMs, (locked) => {
        if (locked) orFail(fail, () => answer(database.releaseLease(epoch, after)));
        else fail(new LeaderBusyError(this.region));
      });
    });
  }

  rowsBeyond(held: Held): Promise<RowsPart[]> {
    return this.call(ROWS_MS, (database, answer) => answer(database.rowsBeyond(held)));
  }

  async merge(parts: readonly RowsPart[]): Promise<void> {
    if (parts.length === 0) return;
    await this.ask((database) => {
      database.refuseReadOnly();
      database.rows.merge(parts);
    });
  }

  suspect(leader: RegionId | null): Promise<void> {
    return this.ask((database) => database.suspect(leader));
  }

  private ask<T>(execute: (database: ReturnType<SimulatedWorld["database"]>) => T): Promise<T> {
    return this.call(this.world.settings.probeTimeoutMs, (database, answer) =>
      answer(execute(database)),
    );
  }

  private call<T>(
    timeoutMs: number,
    execute: (
      database: ReturnType<SimulatedWorld["database"]>,
      ...answers: Parameters<Call<T>["execute"]>
    ) => void,
  ): Promise<T> {
    const { world, process } = this;
    const database = world.database(this.region);
    return new Promise<T>((resolve, reject) => {
      world.network.call<T>({
        from: process.region,
        to: database,
        timeoutMs,
        execute: (answer, fail) => execute(database, answer, fail),
        done: (value) => process.deliver(() => resolve(value)),
        failed: (error) => process.deliver(() => reject(error)),
        repeatable: true,
      });
    });
  }
}

/** For what a database does later than when it was asked. */
function orFail(fail: (error: Error) => void, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    fail(error);
  }
}
