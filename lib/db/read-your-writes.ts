import type { PrismaClient } from "@/lib/generated/prisma/client";
import { traced } from "@/lib/telemetry/traces";
import { entityAccess, type EntityType } from "./conflicts/entities";
import { readStrongly } from "./failover/strong-read";
import { quorumPositions } from "./leaderless/quorum-positions";
import { readQuorum, versionsOf } from "./leaderless/quorum-read";
import { readVersion, type RowVersion } from "./leaderless/read-version";
import { isUnreachable, within } from "./regions/faults";
import { isActor, parseRegionIdOf, regionOfActor, type RegionId } from "./regions/region-id";
import { defaultRuntime, type Runtime } from "./regions/runtime";
import { regionIds, regionsByDistance } from "./regions/topology";
import {
  mergePositions,
  missingPositions,
  NOTHING,
  positionsOf,
  toPosition,
  type Positions,
} from "./sessions/positions";
import type { ReadLevel, Receipt } from "./sessions/receipt";
import { beginEarly } from "./sessions/early-read";
import { askedOf, makeReceipt } from "./sessions/make-receipt";
import { routeRead } from "./sessions/route-read";
import { isPending } from "./sessions/pending";
import { answerKept, keepLater, type CacheKey } from "./sessions/read-cache";
import {
  openEntries,
  rememberSeen,
  shownBy,
  type SessionEntries,
} from "./sessions/session-entries";
import { issueToken, parseToken, type SessionToken, type TokenOwner } from "./sessions/token";

export type { ReadLevel, Receipt, RouteReason } from "./sessions/receipt";
export type { CacheKey } from "./sessions/read-cache";
export type { SessionToken, TokenOwner } from "./sessions/token";

export interface ReadOptions {
  /** Default `session`. */
  level?: ReadLevel | undefined;
  /** What is read, where that is rows of one entity: at level `strong` its topology says who is asked. */
  of?: EntityType | undefined;
  /** What the request's cookie said, from `parseToken`; outside of a request there is none. */
  token?: SessionToken;
  /** Where the code runs; default the process's own region. */
  vantage?: RegionId;
  /** Only these regions may have it: the nearest of them is asked, at whatever level. Not empty. */
  residents?: readonly RegionId[] | undefined;
  /**
   * The answer may be one that the region's Redis has kept, as long as the session is shown all that it wrote and saw:
   * at level `session`, asked from the region that is preferred. It has to be plain data, with Dates and bigints. Of a
   * row that is `pending` nothing is kept.
   */
  cache?: CacheKey | undefined;
}

export interface ConsistentRead<T> {
  data: T;
  regionId: RegionId;
  wasRedirected: boolean;
  receipt: Receipt;
  /** The region has received a version of the row that `cache` names, and could not store it. */
  pending?: boolean;
}

/** A write as its row tells it: the actor that took it, and its position there. */
export interface WriteMark {
  origin: string;
  position: bigint;
}

/** Reads only. May run twice, in two regions, when the first one fails. */
export type ReadOperation<T> = (db: PrismaClient, regionId: RegionId) => Promise<T>;

/** How long a region may take for a read before another one is asked, in ms. */
const READ_TIMEOUT_MS = 3_000;

const NO_TOKEN: SessionToken = { kind: "none" };

/**
 * The four session guarantees (Terry et al., "Session Guarantees for Weakly Consistent Replicated
 * Data", 1994) over regions that replicate to each other asynchronously: a session carries, per
 * origin, the highest position that it wrote or saw, and is only served by a region that has
 * applied it, or told plainly that none could be found.
 */
export class ReadYourWritesManager {
  constructor(private readonly runtime: () => Runtime = defaultRuntime) {}

  /**
   * Runs `read` in the nearest region that satisfies the level. Throws what `read` throws, and the
   * last connection error when no region can be reached. At level `strong` an answer of a region that
   * could not show that it leads says so: `stale`, and `no-lease` as its reason. Of an entity whose writes need a quorum it
   * waits until one has what is shown; `quorum` says whether it came to that.
   */
  ensureConsistency<T>(
    userId: string,
    preferredRegion: string,
    read: ReadOperation<T>,
    options: ReadOptions = {},
  ): Promise<ConsistentRead<T>> {
    const attributes = { "meridian.vantage": options.vantage ?? preferredRegion };
    return traced("read", attributes, () =>
      this.readConsistently(userId, preferredRegion, read, options),
    );
  }

  private async readConsistently<T>(
    userId: string,
    preferredRegion: string,
    read: ReadOperation<T>,
    options: ReadOptions,
  ): Promise<ConsistentRead<T>> {
    const { topology, state, clients, applied } = this.runtime();
    const level = options.level ?? "session";
    const token = options.token ?? NO_TOKEN;
    const vantage = options.vantage ?? topology.currentRegion;
    const started = performance.now();
    const leaderless = options.of !== undefined && this.isLeaderless(options.of);
    const { residents } = options;
    const preferred = parseRegionIdOf(regionIds(topology), preferredRegion);
    // The leader may be none of the residents.
    if (level === "strong" && !leaderless && residents === undefined)
      return readStrongly(this.runtime(), read, {
        userId,
        vantage,
        preferred,
        started,
        of: options.of,
        timeoutMs: READ_TIMEOUT_MS,
      });
    const readBy = (client: PrismaClient, region: RegionId) =>
      within(READ_TIMEOUT_MS, read(client, region));
    const mayServe = level === "session" && residents?.includes(preferred) !== false;
    const cache =
      mayServe && preferred === vantage && token.kind !== "invalid" ? options.cache : undefined;
    const asked = { userId, region: vantage, token, started };
    const kept = cache && (await answerKept<T>(this.runtime(), cache, asked));
    if (kept?.answer) return kept.answer;
    const early =
      mayServe && !kept
        ? beginEarly(this.runtime(), { vantage, region: preferred, token }, () =>
            readBy(clients.read(vantage, preferred), preferred),
          )
        : null;
    const session: SessionEntries =
      kept?.session ??
      (level === "session" || level === "strong"
        ? await openEntries(this.runtime(), userId, token, vantage)
        : { entries: NOTHING, required: NOTHING, complete: true });
    const quorum =
      level === "strong" && options.of !== undefined && residents === undefined
        ? await quorumPositions(this.runtime(), options.of, vantage)
        : null;
    const required =
      quorum?.kind === "positions"
        ? mergePositions(session.required, quorum.positions)
        : session.required;

    const failed = new Set<RegionId>();
    for (;;) {
      const order = regionsByDistance(topology, preferred)
        .map((region) => region.id)
        .filter((id) => !failed.has(id) && residents?.includes(id) !== false);
      const route = await routeRead(
        { state, applied },
        {
          vantage,
          order,
          level: quorum === null && level !== "strong" ? level : "session",
          required,
          tokenInvalid: quorum === null && token.kind === "invalid",
        },
      );
      const waitedMs = performance.now() - started;
      try {
        const endpoint = route.primary || level === "strong" ? "write" : "read";
        const isEarly =
          early?.region === route.region && endpoint === "read" && early.hadAll(session.entries);
        const client = clients[endpoint](vantage, route.region);
        // In this order: what is parked or stored later is not among what it had.
        const had = applied.answered(route.region);
        const pending = cache !== undefined && (await isPending(client, cache));
        const data = await (isEarly ? early.data : readBy(client, route.region));
        if (level !== "eventual") {
          const shown = await shownBy(client, data);
          await rememberSeen(this.runtime(), userId, vantage, shown, session.entries);
          if (cache && !pending && route.region === vantage && endpoint === "read")
            keepLater(this.runtime(), vantage, cache, { data, had, shown, started });
        }
        // The regions before this one did not answer, whatever their order said.
        const fallback =
          failed.size > 0 && route.reason === "nearest" && route.region !== preferred;
        const elsewhere = residents?.includes(preferred) === false && route.reason === "nearest";
        const receipt = makeReceipt(this.runtime(), {
          level,
          route: fallback
            ? { ...route, reason: "redirected-down" }
            : elsewhere
              ? { ...route, reason: "redirected-residency" }
              : route,
          vantage,
          started,
          waitedMs,
          required,
          preferred,
          sessionComplete: session.complete,
        });
        return {
          data,
          regionId: route.region,
          wasRedirected: receipt.redirected,
          receipt: quorum === null ? receipt : { ...receipt, ...askedOf(quorum) },
          ...(pending ? { pending } : {}),
        };
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        state.markDown(vantage, route.region);
        failed.add(route.region);
        if (failed.size === (residents ?? topology.regions).length) throw error;
      }
    }
  }

  /**
   * Reads one row, whatever its topology. Of a leaderless entity R regions are asked: the row includes
   * all that was acknowledged, and all that the session wrote or saw unless the receipt says `stale`.
   * At level `strong` it waits until no later read can return less; `quorum` says whether it came to
   * that. Throws UnknownEntityError.
   */
  async readRow(
    userId: string,
    entityType: EntityType,
    id: string,
    options: Omit<ReadOptions, "level" | "of"> & { level?: "session" | "strong" } = {},
  ): Promise<ConsistentRead<RowVersion | null>> {
    const { topology } = this.runtime();
    const { level = "session", token = NO_TOKEN, vantage = topology.currentRegion } = options;
    entityAccess(entityType);
    const nearest = async (db: PrismaClient) => (await readVersion(db, entityType, id)).row;
    if (!this.isLeaderless(entityType))
      return this.ensureConsistency(userId, vantage, nearest, options);
    const started = performance.now();
    const session = await openEntries(this.runtime(), userId, token, vantage);
    const { entries, required, complete } = session;
    const final = level === "strong";
    const read = await readQuorum(this.runtime(), entityType, id, { vantage, required, final });
    if (read.kind === "unavailable") {
      const answer = await this.ensureConsistency(userId, vantage, nearest, {
        ...options,
        level: "session",
      });
      const receipt = { ...answer.receipt, ...askedOf(read), level };
      return { ...answer, receipt };
    }
    await rememberSeen(this.runtime(), userId, vantage, positionsOf(versionsOf(read)), entries);
    const regions = [...read.answers.keys()];
    const region = read.verdict.holders[0] ?? regions[0] ?? vantage;
    const receipt = makeReceipt(this.runtime(), {
      level,
      route: { region, reason: "quorum", stale: read.missing.size > 0 },
      vantage,
      started,
      waitedMs: 0,
      required,
      preferred: vantage,
      sessionComplete: complete,
    });
    return {
      data: read.verdict.row as RowVersion | null,
      regionId: region,
      wasRedirected: receipt.redirected,
      receipt: {
        ...receipt,
        copies: { needed: read.sizes.read, regions },
        repaired: read.repaired,
        ...(final ? { quorum: read.isFinal ? "held" : "unconfirmed" } : {}),
      },
    };
  }

  private isLeaderless(entityType: EntityType): boolean {
    return this.runtime().policy(entityType).topology === "leaderless";
  }

  /**
   * Notes a write of this user's session. Returns the entries that are open now, for the caller
   * that keeps them in a cookie. Throws RangeError if the mark is not one of a replicated row.
   */
  async recordWrite(
    userId: string,
    write: WriteMark,
    options: { token?: SessionToken; vantage?: RegionId } = {},
  ): Promise<Positions> {
    const { topology, state, mirror, redis } = this.runtime();
    const vantage = options.vantage ?? topology.currentRegion;
    if (!isActor(write.origin)) throw new RangeError("Not the origin of a replicated row");
    const token = options.token ?? NO_TOKEN;
    const entries = mergePositions(
      token.kind === "valid" ? token.positions : NOTHING,
      new Map([[write.origin, toPosition(write.position)]]),
    );
    const localRedis = redis.of(vantage, vantage);
    const settled = state.settled(vantage);
    // One after the other over there, and not waited for one after the other.
    const [merged] = await Promise.all([
      mirror.merge(localRedis, userId, missingPositions(entries, settled)),
      mirror.prune(localRedis, userId, settled),
    ]);
    return missingPositions(merged, settled);
  }

  /** Whether a region has everything that this user's sessions wrote or saw. Asks the region. */
  async hasReplicatedWrite(userId: string, regionId: string): Promise<boolean> {
    const { topology, applied } = this.runtime();
    const region = parseRegionIdOf(regionIds(topology), regionId);
    const { required } = await openEntries(
      this.runtime(),
      userId,
      NO_TOKEN,
      topology.currentRegion,
    );
    if (applied.covers(region, required)) return true;
    await applied.refresh(topology.currentRegion, region);
    return applied.covers(region, required);
  }

  /** Where a read at level `session` would be served now. Waits as such a read would. */
  async getConsistentReadRegion(userId: string, preferredRegion: string): Promise<RegionId> {
    const { topology, state, applied } = this.runtime();
    const vantage = topology.currentRegion;
    const preferred = parseRegionIdOf(regionIds(topology), preferredRegion);
    const { required } = await openEntries(this.runtime(), userId, NO_TOKEN, vantage);
    const route = await routeRead(
      { state, applied },
      {
        vantage,
        order: regionsByDistance(topology, preferred).map((region) => region.id),
        level: "session",
        required,
        tokenInvalid: false,
      },
    );
    return route.region;
  }

  /** For a cookie; null when the entries do not fit and only the mirror has them. */
  issueToken(owner: TokenOwner, positions: Positions, nowMs = Date.now()): string | null {
    return issueToken(this.tokenKeys(), owner, positions, nowMs);
  }

  parseToken(owner: TokenOwner, text: string | null | undefined, nowMs = Date.now()): SessionToken {
    return parseToken(this.tokenKeys(), owner, text, nowMs);
  }

  /** The receipt of a write that a region took. */
  writeReceipt(
    write: WriteMark,
    served: { vantage?: RegionId; preferred?: RegionId; startedMs: number },
  ): Receipt {
    const { topology } = this.runtime();
    const vantage = served.vantage ?? topology.currentRegion;
    const preferred = served.preferred ?? vantage;
    if (!isActor(write.origin)) throw new RangeError("Not the origin of a replicated row");
    const region = parseRegionIdOf(regionIds(topology), regionOfActor(write.origin));
    const { region: leader } = this.runtime().state.leader(vantage);
    const reason =
      region === preferred
        ? "nearest"
        : region === leader
          ? "redirected-leader"
          : "redirected-down";
    const receipt = makeReceipt(this.runtime(), {
      level: "session",
      route: { region, reason, stale: false },
      vantage,
      started: served.startedMs,
      waitedMs: 0,
      required: NOTHING,
      preferred,
      sessionComplete: true,
    });
    return { ...receipt, kind: "write", applied: { [write.origin]: write.position.toString() } };
  }

  private tokenKeys() {
    return [{ id: "1", secret: this.runtime().topology.sessionSecret }];
  }
}

export const readYourWrites = new ReadYourWritesManager();

/** A read for Server Components and handlers, near where the code runs. See `ensureConsistency`. */
export function withReadYourWrites<T>(
  userId: string,
  operation: ReadOperation<T>,
  options: ReadOptions = {},
): Promise<ConsistentRead<T>> {
  const vantage = options.vantage ?? defaultRuntime().topology.currentRegion;
  return readYourWrites.ensureConsistency(userId, vantage, operation, { ...options, vantage });
}
