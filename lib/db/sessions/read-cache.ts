import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import {
  decodeKept,
  encodeKept,
  isServable,
  keepAnswer,
  keptKey,
  KEPT_WITHIN_MS,
  type CacheKey,
  type KeptAnswer,
} from "./kept-answers";
import { makeReceipt } from "./make-receipt";
import type { Receipt } from "./receipt";
import { rememberSeen, toEntries, type SessionEntries } from "./session-entries";
import type { SessionToken } from "./token";

export type { CacheKey } from "./kept-answers";

interface Asked {
  userId: string;
  token: SessionToken;
  /** From where it is asked, and whose answers are taken. */
  region: RegionId;
  /** Of performance.now(). */
  started: number;
}

interface Taken<T> {
  session: SessionEntries;
  /** Null where nothing is kept that this session may be shown. */
  answer: {
    data: T;
    regionId: RegionId;
    wasRedirected: false;
    receipt: Receipt;
  } | null;
}

/** Asks the region's Redis, in one trip, for what the session has seen and for an answer that it may be shown. */
export async function answerKept<T>(
  runtime: Runtime,
  cache: CacheKey,
  { userId, token, region, started }: Asked,
): Promise<Taken<T>> {
  const { applied, mirror, redis, topology } = runtime;
  // So that it is known, when the next one asks, what an answer has to have.
  applied.observe(region, region);
  const hash = { key: keptKey(region, cache.entity, cache.id), field: cache.variant };
  const told = await mirror.readBeside(redis.of(region, region), userId, hash);
  const session = toEntries(runtime, region, token, told);
  const secret = topology.replicationSecret;
  const kept = told.beside === null ? null : decodeKept<T>(secret, region, cache, told.beside);
  // Of the moment in which it is shown, however long Redis took.
  if (!kept || !isServable(kept, session.entries, applied.hadWithin(region, KEPT_WITHIN_MS)))
    return { session, answer: null };
  await rememberSeen(runtime, userId, region, kept.shown, session.entries);
  const receipt = makeReceipt(runtime, {
    level: "session",
    route: { region, reason: "nearest", stale: false },
    vantage: region,
    preferred: region,
    started,
    waitedMs: 0,
    required: session.required,
    sessionComplete: session.complete,
  });
  const answer = {
    data: kept.data,
    regionId: region,
    wasRedirected: false as const,
    receipt: { ...receipt, fromCache: true },
  };
  return { session, answer };
}

/**
 * Not waited for: an answer is as good without it. Nothing where the region has not said yet what it has, and nothing that
 * was asked for so long ago that nobody would take it: the row may have to be elsewhere by now.
 *
 * @param started of performance.now(), before it was read
 */
export function keepLater<T>(
  { redis, topology }: Runtime,
  region: RegionId,
  key: CacheKey,
  { started, ...answer }: KeptAnswer<T> & { started: number },
): void {
  if (answer.had.size === 0 || performance.now() - started > KEPT_WITHIN_MS) return;
  const text = encodeKept(topology.replicationSecret, region, key, answer);
  if (text === null) return;
  void keepAnswer(redis.of(region, region), { region, key, had: answer.had, text });
}
