import { systemSleep } from "@/lib/clock";
import { sqlState } from "@/lib/db/regions/faults";

/**
 * What a database says when it has rolled a transaction back so that another one can go on:
 * serialization_failure and deadlock_detected (PostgreSQL manual, appendix A and section 13.5).
 */
const ROLLED_BACK = ["40001", "40P01"];

const TRIES = 4;

/** In ms; each time up to as much again, lest two that got into each other's way do so again. */
const PAUSE_MS = 10;

/**
 * Runs a write again where its database rolled it back for another's sake: a user's write and the replication of
 * others' may come to the same rows in different orders. Nothing of it was written then. Throws what the last
 * try throws.
 */
export async function repeatRolledBack<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === TRIES || !ROLLED_BACK.includes(sqlState(error) ?? "")) throw error;
      await systemSleep(PAUSE_MS * tries * (1 + Math.random()));
    }
  }
}
