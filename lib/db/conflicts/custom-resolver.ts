import { systemSleep } from "@/lib/clock";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";
import { joinedClock, type ConflictVersion, type Json } from "./conflict-record";
import { findConflict } from "./conflict-store";
import { resolveConflict, type ResolveOutcome } from "./resolve-conflict";

/** What a conflict of a field becomes. Should depend on nothing but the versions. */
export type CustomStrategy = (versions: readonly ConflictVersion[]) => Json;

/** By "Entity.field": those that the policies declare as `custom`. */
export const CUSTOM_STRATEGIES: Readonly<Record<string, CustomStrategy>> = {};

/** Recorded as who decided. */
export const STRATEGY_USER = "strategy";

const BATCH = 100;

/**
 * Resolves open conflicts of fields with a custom strategy. A function need not be a join, so that
 * two regions running it could disagree for ever: the leading region alone runs it, and publishes
 * the result as a version that includes all that it was made from.
 */
export class CustomResolver implements Service {
  readonly name = "custom strategies";
  private readonly stopping = new AbortController();

  constructor(
    private readonly db: () => PrismaClient,
    private readonly strategies: Readonly<Record<string, CustomStrategy>> = CUSTOM_STRATEGIES,
    private readonly intervalMs = 1_000,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.stopping;
    // Without a strategy to run there is nothing to ask the database for.
    while (!signal.aborted && Object.keys(this.strategies).length > 0) {
      try {
        await this.resolveAll();
      } catch (err) {
        getLogger("conflicts").warn({ err }, "custom strategies did not run");
      }
      await systemSleep(this.intervalMs, signal);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Number of conflicts resolved. 0 in a region that does not lead. */
  async resolveAll(): Promise<number> {
    const db = this.db();
    const open = await db.$queryRaw<{ id: string; key: string }[]>`
      SELECT c."id", c."entityType" || '.' || c."field" AS "key" FROM "Conflict" c
      WHERE c."deletedAt" IS NULL AND c."outcome" = 'open' AND c."strategy" = 'custom'
        AND c."entityType" || '.' || c."field" = ANY (${Object.keys(this.strategies)}::text[])
        AND NOT EXISTS (SELECT FROM "ConflictResolution" r
          WHERE r."id" = c."id" AND r."deletedAt" IS NULL)
        AND (SELECT leader FROM mr.leadership) = mr.local_region()
      ORDER BY c."detectedAt", c."id" LIMIT ${BATCH}`;
    let resolved = 0;
    for (const { id, key } of open) {
      const strategy = this.strategies[key];
      if (!strategy || this.stopping.signal.aborted) continue;
      try {
        const outcome = await this.resolve(db, id, strategy);
        if (outcome?.kind === "resolved") resolved++;
        else getLogger("conflicts").debug({ id, outcome: outcome?.kind }, "left for later");
      } catch (err) {
        // One function's fault must not keep the other conflicts open.
        getLogger("conflicts").warn({ err, id, key }, "a custom strategy failed");
      }
    }
    return resolved;
  }

  private async resolve(
    db: PrismaClient,
    id: string,
    strategy: CustomStrategy,
  ): Promise<ResolveOutcome | null> {
    const conflict = await findConflict(db, id);
    if (!conflict) return null;
    const context = { db, leader: () => db };
    const decide = (versions: readonly ConflictVersion[], shown = joinedClock(versions)) =>
      resolveConflict(
        id,
        { choice: "computed", value: strategy(versions), shown },
        STRATEGY_USER,
        context,
      );
    const outcome = await decide(conflict.versions);
    if (outcome.kind !== "stale") return outcome;
    // A later conflict of the field holds more versions than this one knew: they decide both.
    const { versions, clock } = outcome.state;
    return decide(versions, clock);
  }
}
