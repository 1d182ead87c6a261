import { isUnreachable } from "@/lib/db/regions/faults";
import { stalenessBoundMs } from "@/lib/db/regions/overview";
import {
  incarnationOf,
  regionOfActor,
  type Actor,
  type RegionId,
} from "@/lib/db/regions/region-id";
import type { RegionState } from "@/lib/db/regions/region-state";
import type { AppliedPositions } from "./applied-positions";
import { missingPositions, NOTHING, type Positions } from "./positions";
import type { ReadLevel, RouteReason } from "./receipt";

/** Longest that a read waits for a region to catch up, in ms. Past it the answer is marked stale. */
export const MAX_WAIT_MS = 2_000;

/** A wait shorter than this is not worth a trip to another region, however near that is. */
const MIN_WAIT_MS = 20;

export interface RouteRequest {
  vantage: RegionId;
  /** Regions to serve from, in order of preference; those that already failed are left out. */
  order: readonly RegionId[];
  level: ReadLevel;
  /** Open entries of the session. */
  required: Positions;
  /** Set when the request brought a token that is not believed; `required` is then the mirror's. */
  tokenInvalid: boolean;
}

export interface Route {
  region: RegionId;
  reason: RouteReason;
  /** The region is known to lack something that the level asked for. */
  stale: boolean;
  /** The region's primary has to be read, whatever its read endpoint is: what it is known to have. */
  primary?: Positions;
}

interface Parts {
  state: RegionState;
  applied: AppliedPositions;
}

/** Decides where a read is served, waiting where that is the quicker way to a fresh answer. */
export async function routeRead(parts: Parts, request: RouteRequest): Promise<Route> {
  const { level } = request;
  if (level === "strong") return toLeader(parts, request, "redirected-leader");
  if (level === "eventual") return { ...nearest(parts, request), stale: false };
  if (typeof level === "object") return routeBounded(parts, request, level.boundedMs);
  if (request.tokenInvalid) return routeDistrusted(parts, request);
  return routeSession(parts, request);
}

/** The leader, once it has what the mirror knows of the session: the token may have known more. */
async function routeDistrusted(parts: Parts, request: RouteRequest): Promise<Route> {
  const route = await routePossible(parts, request);
  const { region: leader } = parts.state.leader(request.vantage);
  if (route.region === leader || route.stale) return route;
  return { ...route, reason: "stale-fallback", stale: true };
}

/** The leader, where a session claims what nobody has; but not without what else it wrote and saw. */
async function routePossible(parts: Parts, request: RouteRequest): Promise<Route> {
  const { region: leader } = parts.state.leader(request.vantage);
  if (!request.order.includes(leader)) return toLeader(parts, request, "invalid-token");
  const order = [leader, ...request.order.filter((id) => id !== leader)];
  const route = await routeSession(parts, { ...request, order });
  if (route.region !== leader || route.stale) return route;
  return { primary: NOTHING, ...route, reason: "invalid-token" };
}

function toLeader({ state }: Parts, request: RouteRequest, reason: RouteReason): Route {
  const { region } = state.leader(request.vantage);
  if (request.order.includes(region)) {
    const here = region === request.order[0] && reason === "redirected-leader";
    return { region, reason: here ? "nearest" : reason, stale: false, primary: NOTHING };
  }
  // The leader failed this request already: what any other region has may be older.
  return { region: first(request), reason: "stale-fallback", stale: true };
}

function first(request: RouteRequest): RegionId {
  const region = request.order[0];
  if (region === undefined) throw new RangeError("No region to route to");
  return region;
}

function nearest(
  { state }: Parts,
  request: RouteRequest,
): { region: RegionId; reason: RouteReason } {
  const preferred = first(request);
  const region = request.order.find((id) => state.isHealthy(request.vantage, id)) ?? preferred;
  return { region, reason: region === preferred ? "nearest" : "redirected-down" };
}

async function routeSession(parts: Parts, request: RouteRequest): Promise<Route> {
  const { state, applied } = parts;
  const { vantage, required } = request;
  const { region, reason } = nearest(parts, request);
  if (required.size === 0 || applied.covers(region, required))
    return { region, reason, stale: false };

  try {
    await applied.refresh(vantage, region);
    if (applied.covers(region, required)) return { region, reason, stale: false };
    return await routeWhenBehind(parts, request, region);
  } catch (error) {
    // Also when it goes away while it is waited for.
    if (!isUnreachable(error)) throw error;
    state.markDown(vantage, region);
  }
  const order = request.order.filter((id) => id !== region);
  if (order.length === 0) return { region, reason: "stale-fallback", stale: true };
  const route = await routeSession(parts, { ...request, order });
  return { ...route, reason: route.reason === "nearest" ? "redirected-down" : route.reason };
}

/** The region lacks something: wait for it, or go where it is, whichever is expected to be quicker. */
async function routeWhenBehind(
  { state, applied }: Parts,
  request: RouteRequest,
  region: RegionId,
): Promise<Route> {
  const { vantage, required, order } = request;
  const started = performance.now();
  if (applied.readsFromReplica(vantage, region)) {
    // A primary that does not answer is no reason against its replica.
    const own = await applied.askPrimary(vantage, region).catch(() => NOTHING);
    if (missingPositions(required, own).size === 0)
      return { region, reason: "primary", stale: false, primary: own };
  }
  const others = order.filter((id) => id !== region && state.isHealthy(vantage, id));
  const missing = missingPositions(required, applied.cached(region));
  const origins = [...missing.keys()].map((actor) => regionOfActor(actor));
  const source = others.find((id) => origins.every((origin) => origin === id));
  const budgetMs = source
    ? Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, state.roundTripMs(vantage, source)))
    : others.length > 0
      ? MAX_WAIT_MS / 4
      : MAX_WAIT_MS;

  const overtaken = new AbortController();
  // A position that its own region has not assigned yet will never come: ask while waiting.
  const checked = isPastKnownHead(state, vantage, missing)
    ? findBeyondOrigin({ state, applied }, vantage, missing).then((beyond) => {
        if (beyond.size > 0) overtaken.abort();
        return beyond.size > 0;
      })
    : Promise.resolve(false);
  if (await applied.waitUntilCovered(vantage, region, required, budgetMs, overtaken.signal)) {
    return { region, reason: "waited", stale: false };
  }
  await Promise.race([
    firstCovering({ applied }, vantage, others, required),
    checked.then((beyond) => (beyond ? undefined : new Promise(() => undefined))),
  ]);
  const elsewhere = (): Route | null => {
    const target = others.find((id) => applied.covers(id, required));
    return target === undefined
      ? null
      : { region: target, reason: "redirected-behind", stale: false };
  };
  const found = elsewhere();
  if (found) return found;
  const beyond = await findBeyondOrigin({ state, applied }, vantage, missing);
  if (beyond.size > 0) {
    const possible = missingPositions(required, beyond);
    return routePossible({ state, applied }, { ...request, required: possible });
  }
  // The origin has answered by now, if it does at all: the first time it takes a connection to it.
  const late = elsewhere();
  if (late) return late;
  // However long the others took to answer, the region itself may have caught up meanwhile.
  const leftMs = Math.max(0, MAX_WAIT_MS - (performance.now() - started));
  if (await applied.waitUntilCovered(vantage, region, required, leftMs)) {
    return { region, reason: "waited", stale: false };
  }
  return { region, reason: "stale-fallback", stale: true };
}

/** Returns as soon as one of the regions is known to cover `required`, or all have answered. */
async function firstCovering(
  { applied }: Pick<Parts, "applied">,
  vantage: RegionId,
  regions: readonly RegionId[],
  required: Positions,
): Promise<void> {
  const answers = regions.map(async (id) => {
    await applied.refresh(vantage, id);
    if (!applied.covers(id, required)) throw new RangeError("Not here either");
  });
  await Promise.any(answers).catch(() => undefined);
}

function isPastKnownHead(state: RegionState, vantage: RegionId, missing: Positions): boolean {
  const peers = state.around(vantage)?.peers;
  return [...missing].some(([actor, position]) => {
    const peer = peers?.get(regionOfActor(actor));
    return peer === undefined || peer.actor !== actor || position >= peer.head;
  });
}

/**
 * Positions that their origin itself, asked now, does not have, and nobody else is known to have. Not those whose origin
 * does not answer. What a former incarnation wrote others may have, and the one after it not: then all have to answer.
 */
async function findBeyondOrigin(
  { state, applied }: Parts,
  vantage: RegionId,
  missing: Positions,
): Promise<Positions> {
  const regions = state.regionIds();
  const checks = [...missing].map(async ([actor, position]) => {
    const origin = state.findRegionId(regionOfActor(actor));
    if (origin === undefined) return true;
    const own = await applied.askPrimary(vantage, origin);
    const claimed = new Map([[actor, position]]);
    if (missingPositions(claimed, own).size === 0) return false;
    if (isFormer(actor, own)) await Promise.all(regions.map((id) => applied.refresh(vantage, id)));
    return !regions.some((id) => applied.covers(id, claimed));
  });
  const results = await Promise.allSettled(checks);
  return new Map(
    [...missing].filter((_entry, n) => {
      const result = results[n];
      return result?.status === "fulfilled" && result.value;
    }),
  );
}

/** Whether its region has said that it has been another actor since. */
function isFormer(actor: Actor, own: Positions): boolean {
  const later = (other: Actor) =>
    regionOfActor(other) === regionOfActor(actor) && incarnationOf(other) > incarnationOf(actor);
  return [...own.keys()].some(later);
}

async function routeBounded(
  parts: Parts,
  request: RouteRequest,
  boundedMs: number,
): Promise<Route> {
  const { state } = parts;
  const { vantage, order } = request;
  const preferred = first(request);
  const deadline = performance.now() + Math.min(boundedMs, MAX_WAIT_MS);
  let waited = false;
  do {
    for (const region of order) {
      if (!state.isHealthy(vantage, region)) continue;
      const overview = await state.refresh(vantage, region).catch(() => null);
      if (overview !== null && stalenessBoundMs(overview) <= boundedMs) {
        if (region === preferred) {
          return { region, reason: waited ? "waited" : "nearest", stale: false };
        }
        const reason = state.isHealthy(vantage, preferred)
          ? "redirected-behind"
          : "redirected-down";
        return { region, reason, stale: false };
      }
    }
    waited = true;
    await new Promise((resolve) => setTimeout(resolve, 25));
  } while (performance.now() < deadline);
  return { ...nearest(parts, request), reason: "stale-fallback", stale: true };
}
