import { UnknownRegionError } from "@/lib/errors";

/** Id of a configured region, such as "eu-west-1". Made by `parseRegionId` of the topology. */
export type RegionId = string & { readonly __brand: "RegionId" };

/**
 * Who writes: a region in one of its incarnations, "eu-west-1" or, after its n-th rebuild from an
 * older copy, "eu-west-1#n". Vector clocks, cursors and session tokens are keyed by actors.
 */
export type Actor = string & { readonly __brand: "Actor" };

const ACTOR = /^[a-z0-9][a-z0-9-]{0,30}(#[1-9][0-9]{0,8})?$/;

export function isActor(value: string): value is Actor {
  return ACTOR.test(value);
}

/** The region part of an actor; it need not be a configured region. */
export function regionOfActor(actor: Actor): string {
  return actor.split("#", 1)[0] ?? actor;
}

/** How often the region's database had been replaced when the actor wrote. */
export function incarnationOf(actor: Actor): number {
  return Number(actor.split("#", 2)[1] ?? 0);
}

/** Throws UnknownRegionError for anything that is not in `known`. */
export function parseRegionIdOf(known: readonly RegionId[], value: string): RegionId {
  const id = known.find((candidate) => candidate === value);
  if (id === undefined) throw new UnknownRegionError(value, known);
  return id;
}
