import { entityAccess, type EntityType } from "@/lib/db/conflicts/entities";
import { entityPolicy } from "@/lib/db/conflicts/policies";
import type { Durability } from "@/lib/db/conflicts/policy";
import { isActor, regionOfActor, type RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { wakePublisher } from "@/lib/db/replication/bus";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { awaitQuorum } from "./durability";
import { writeToLeader, type LeaderWrite } from "./leader-write";

/** How long other regions are waited for in one go, in ms. */
const QUORUM_MS = 3_000;

/** As the database stamped a row. */
export interface Stamped {
  origin: string;
  position: bigint;
}

export type DurableWrite<T> =
  | LeaderWrite<T>
  /** It is written where it was taken. No majority of the regions was seen to have it. */
  | { kind: "unconfirmed"; value: T; regionId: RegionId; detail: string; waitedMs: number };

export interface DurableWriteOptions {
  /** By default that of the entity. */
  durability?: Durability;
  /** How long to look for a leader that takes the write and keeps the lead until it is held, in ms. */
  waitMs?: number;
  /** How long to wait for other regions to have it, in ms. */
  quorumMs?: number;
  runtime?: () => Pick<Runtime, "state" | "clients" | "topology" | "redis">;
}

/**
 * `writeToLeader`, and under durability "quorum" only done once a majority of the regions has the row.
 * Should the lead move before that, the write is made again under the next leader. Throws what
 * `attempt` throws for reasons of its own.
 *
 * @param attempt as that of `writeToLeader`; returns the row's stamp, also of a row that it only found
 */
export async function writeDurably<T extends Stamped>(
  vantage: RegionId,
  row: { entityType: EntityType; entityId: string },
  attempt: (db: PrismaClient, regionId: RegionId) => Promise<T>,
  options: DurableWriteOptions = {},
): Promise<DurableWrite<T>> {
  const { waitMs = 5_000, quorumMs = QUORUM_MS, runtime = defaultRuntime } = options;
  const durability = options.durability ?? entityPolicy(row.entityType).durability;
  const startedMs = performance.now();
  const waitedMs = () => Math.round(performance.now() - startedMs);
  let unconfirmed: DurableWrite<T> | null = null;
  for (;;) {
    const written: LeaderWrite<T> = await writeToLeader(
      vantage,
      (db, region) => stampedHere(db, region),
      {
        waitMs: Math.max(0, waitMs - waitedMs()),
        again: unconfirmed !== null,
        runtime,
      },
    );
    if (written.kind !== "done") return unconfirmed ?? { ...written, waitedMs: waitedMs() };
    const value: T = written.value;
    const regionId: RegionId = written.regionId;
    // Not waited for: the publisher finds the write by itself, and Redis may be away.
    void wakePublisher(runtime().redis, vantage, regionId);
    const done = { ...written, waitedMs: waitedMs() };
    if (durability === "region") return done;
    const quorum = await awaitQuorum(vantage, value, { led: true, timeoutMs: quorumMs, runtime });
    if (quorum.kind === "held") return done;
    const { detail } = quorum;
    unconfirmed = { kind: "unconfirmed", value, regionId, detail, waitedMs: waitedMs() };
    if (waitedMs() >= waitMs) return unconfirmed;
  }

  /** A row of a former leader that the next one took over is in no quorum of the new epoch by itself. */
  async function stampedHere(db: PrismaClient, region: RegionId): Promise<T> {
    const found = await attempt(db, region);
    const { origin } = found;
    if (durability === "region" || (isActor(origin) && regionOfActor(origin) === region)) {
      return found;
    }
    await entityAccess(row.entityType).rewrite(db, row.entityId);
    return attempt(db, region);
  }
}
