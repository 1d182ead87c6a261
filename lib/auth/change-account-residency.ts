import { geoReplication, type WriteEvent } from "@/lib/db/geo-replication";
import { multiRegionDb, type RegionId } from "@/lib/db/multi-region-config";
import { readYourWrites, withReadYourWrites, type SessionToken } from "@/lib/db/read-your-writes";
import { within } from "@/lib/db/regions/faults";
import { placeWrite, type PlacedWrite } from "@/lib/db/writes/place-write";
import { writeRow, type WrittenRow } from "@/lib/db/writes/write-row";
import { acknowledge } from "@/lib/documents/acknowledge";
import { refused, type Actor, type Refused, type WriteOutcome } from "@/lib/documents/types";
import { MeridianError } from "@/lib/errors";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { addressKeyOf, isKept, keptAddress, pseudonymOf } from "@/lib/residency/addresses";
import { placementBy, type PlacementRule } from "@/lib/residency/placements";
import { keepProfile, moveProfile, type Person, type PlacedStamp } from "@/lib/residency/profiles";
import { findPlacement, placementId, toRegions } from "@/lib/residency/where-it-is";
import { NO_ADDRESS_KEY } from "./accounts";

const NO_REGION = refused(
  "unavailable",
  "No region that has your name and address can be reached. Nothing was changed; try again shortly.",
);
const ON_THE_WAY = refused(
  "behind",
  "Your name and address are on their way to where they are kept. Nothing was changed; try again in a moment.",
);
const NOT_LED = refused(
  "unavailable",
  "The leading region did not take it, so every region has your name and address still. Choose the place once more in a moment.",
);
const UNKNOWN = refused("not-found", "There is no such account here.");

export type ChangedAccount = PlacementRule & {
  /** What others are told from now on. */
  publicName: string;
};

/** How long a region may take that is asked in passing, in ms. */
const ASK_MS = 2_000;

/**
 * Says where the actor's name and address may be from now on. Of somebody who is kept somewhere already the
 * regions then copy or take away the profile, on their own time. Of somebody who was in every region it is made, and
 * then the account's row, which stays everywhere, loses both; that one is written by the leader.
 */
export async function changeAccountResidency(
  actor: Actor,
  { residency }: { residency: string | null },
): Promise<WriteOutcome<ChangedAccount>> {
  const startedMs = performance.now();
  const rule = placementBy("User", residency);
  if ("ok" in rule) return rule;
  const { userId, vantage, token } = actor;
  const { data: user } = await withReadYourWrites(
    userId,
    (db) =>
      db.user.findFirst({
        where: { id: userId, deletedAt: null },
        select: { email: true, name: true, origin: true, position: true },
      }),
    { vantage, token, of: "User" },
  );
  if (!user) return UNKNOWN;
  const { data: placement } = await findPlacement(actor, { entity: "User", id: userId });
  const placed = toRegions(placement?.regions ?? [], vantage);
  const kept = isKept(user.email);
  const addressKey = kept ? null : addressKeyOf(user.email);
  if (!kept && residency !== null && addressKey === null) {
    return refused("invalid", NO_ADDRESS_KEY, { fields: { residency: NO_ADDRESS_KEY } });
  }
  if (!kept && residency === null && placed.length === 0) {
    return refused("invalid", "Every region has it already.");
  }
  // Of an earlier try that the leader did not take there is a profile already.
  const said =
    kept || placed.length > 0
      ? await movePerson(actor, rule, placed)
      : await keepPerson(vantage, { id: userId, email: user.email, name: user.name }, rule);
  if ("ok" in said) return said;
  const event = eventOf(userId, said.value);
  if (addressKey === null || residency === null) {
    const value = { ...rule, publicName: user.name };
    return acknowledge(actor, startedMs, routeOf(said), event, value);
  }
  const publicName = pseudonymOf(userId);
  // First: whatever happens between the two, no name is left that nobody would come back for.
  await renameOnBoard(vantage, userId, publicName);
  const hidden = await hidePerson(actor, keptAddress(addressKey), publicName, addressKey);
  if (hidden.kind !== "placed") return NOT_LED;
  const [open] = await Promise.all([
    readYourWrites.recordWrite(userId, event, { vantage, token }),
    geoReplication.publishWrite(event, vantage),
  ]);
  const both: SessionToken = { kind: "valid", positions: open };
  const { origin, position } = hidden.value;
  const led: WriteEvent = { entityType: "User", entityId: userId, origin, position };
  const value = { ...rule, publicName };
  return acknowledge({ ...actor, token: both }, startedMs, routeOf(hidden), led, value);
}

type Placed<T> = Extract<PlacedWrite<T>, { kind: "placed" }>;

async function keepPerson(
  vantage: RegionId,
  person: Person,
  rule: PlacementRule,
): Promise<Placed<PlacedStamp> | Refused> {
  const residents = rule.regions;
  const kept = await placeWrite("Profile", vantage, (db) => keepProfile(db, person, rule), {
    residents,
  });
  return kept.kind === "placed" ? kept : NO_REGION;
}

/** Where the profile is: while it is moved, that is not yet where it may be. */
async function movePerson(
  { userId, vantage }: Actor,
  rule: PlacementRule,
  placed: readonly RegionId[],
): Promise<Placed<PlacedStamp> | Refused> {
  const move = (db: PrismaClient) => moveProfile(db, userId, rule);
  const nearest = await placeWrite("Placement", vantage, move, {
    residents: placed.length > 0 ? placed : undefined,
  });
  if (nearest.kind !== "placed") return NO_REGION;
  if (nearest.value) return { ...nearest, value: nearest.value };
  const db = multiRegionDb.from(vantage);
  for (const regionId of db.regionsInOrder()) {
    const value = await within(ASK_MS, move(db.getWriteClient(regionId))).catch(() => null);
    if (value) return { ...nearest, regionId, value, reason: "redirected-residency" };
  }
  return ON_THE_WAY;
}

/** Takes name and address out of the account's row. */
function hidePerson(
  { userId, vantage }: Actor,
  email: string,
  name: string,
  addressKey: string,
): ReturnType<typeof writeRow<WrittenRow>> {
  return writeRow("User", vantage, async (db) => {
    const [row] = await db.user.updateManyAndReturn({
      where: { id: userId, deletedAt: null },
      data: { email, name, addressKey },
      select: { id: true, origin: true, position: true },
    });
    if (!row) throw new MeridianError("no-account", "The leading region has no such account");
    return row;
  });
}

/** The board is in every region, with the name of when the score was reached. */
async function renameOnBoard(vantage: RegionId, userId: string, name: string): Promise<void> {
  await placeWrite("PlayerScore", vantage, (db) =>
    db.playerScore.updateMany({ where: { id: userId, NOT: { name } }, data: { name } }),
  );
}

function eventOf(userId: string, { origin, position }: PlacedStamp): WriteEvent {
  const entityId = placementId({ entity: "User", id: userId });
  return { entityType: "Placement", entityId, origin, position };
}

function routeOf({ regionId, reason, waitedMs }: Placed<unknown>) {
  return { regionId, reason, waitedMs };
}
