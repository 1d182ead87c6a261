import { type ConflictVersion, type Json } from "@/lib/db/conflicts/conflict-record";
import { type DeletionRule } from "@/lib/db/conflicts/policy";
import { type VectorClock } from "@/lib/db/conflicts/vector-clock";
import { toVersion } from "./register";
import { DELETED_AT, type MergeState, type Row } from "./row";
import { hasDots, hasSeen, isLater, joinDots, unseenDots, type Dots, type Stamp } from "./stamp";

/*
 * A row's life as a flag (Shapiro et al., 2011, 3.3, for sets): under delete-wins a disable-wins
 * flag of the dots of deletions, under update-wins an enable-wins flag of the dots of live writes.
 *   $dead   delete-wins: deletions that nobody has undone; with any the row is deleted
 *   $alive  update-wins: live writes that no deletion has seen; without any the row is deleted
 *   $gone   the stamp of the latest deletion
 *   $del    the latest time of one, with microseconds as the database writes it
 */
const DEAD = "$dead";
const ALIVE = "$alive";
const GONE = "$gone";
const LATEST = "$del";

/** A version of the row, with the stamps of its insert and of its last write. */
export interface LifeSide {
  readonly row: Row;
  readonly zero: Stamp;
  readonly stamp: Stamp;
}

export interface Life {
  readonly entries: MergeState;
  readonly deletedAt: string | null;
  /** What a deletion and an update were chosen from; null where there was no choice. */
  readonly versions: readonly ConflictVersion[] | null;
}

export interface LifeWrite {
  readonly old: LifeSide;
  /** The row's columns as the writer wants them, and the row's clock with the write. */
  readonly row: Row;
  readonly stamp: Stamp;
  readonly base: VectorClock | null;
}

export interface DeletionType {
  initial(deletedAt: string | null, zero: Stamp): MergeState;
  join(a: LifeSide, b: LifeSide): Life;
  /** `changed`: the write is a new version even if it changed no register. */
  write(write: LifeWrite): Life & { readonly changed: boolean };
}

const toText = (time: string) => `${time.slice(0, 23)}000Z`;
const toTime = (text: string) => `${text.slice(0, 23)}Z`;

const dotsOf = (side: LifeSide, key: string, live: boolean): Dots => {
  const { row, zero } = side;
  if (Object.hasOwn(row.merge, key)) return row.merge[key] as Dots;
  return (row.deletedAt === null) === live ? { [zero.o]: zero.n } : {};
};
const goneOf = ({ row }: LifeSide) => (row.merge[GONE] ?? null) as Stamp | null;
const deletionOf = (side: LifeSide) => goneOf(side) ?? side.stamp;

function latestTime(...times: readonly (string | null)[]): string | null {
  return times.reduce((a, b) => (a === null || (b !== null && b > a) ? b : a), null);
}
const timeOf = ({ merge, deletedAt }: Row): string | null =>
  typeof merge[LATEST] === "string" ? toTime(merge[LATEST]) : deletedAt;

const version = (row: Row, deletedAt: Json, stamp: Stamp, won: boolean) =>
  toVersion({ ...row.values, [DELETED_AT]: deletedAt }, row.clock, stamp, won);
const asLive = ({ row, stamp }: LifeSide, won: boolean) => version(row, row.deletedAt, stamp, won);
const asGone = (side: LifeSide, stamp: Stamp, won: boolean) =>
  version(side.row, side.row.deletedAt, stamp, won);

function entriesOf(key: string, dots: Dots, gone: Stamp | null, time: string | null): MergeState {
  return {
    ...(hasDots(dots) || key === ALIVE ? { [key]: dots } : {}),
    ...(gone === null ? {} : { [GONE]: gone }),
    ...(time === null ? {} : { [LATEST]: toText(time) }),
  };
}

function joinLife(a: LifeSide, b: LifeSide, key: string, live: boolean) {
  const [x, y] = [goneOf(a), goneOf(b)];
  const gone = y !== null && (x === null || isLater(y, x)) ? y : x;
  const time = latestTime(timeOf(a.row), timeOf(b.row));
  const dots = joinDots(dotsOf(a, key, live), a.row.clock, dotsOf(b, key, live), b.row.clock);
  const deleted = hasDots(dots) !== live;
  const [alive, dead] = a.row.deletedAt === null ? [a, b] : [b, a];
  const differ = (a.row.deletedAt === null) !== (b.row.deletedAt === null);
  const entries = entriesOf(key, dots, gone, time);
  return { entries, deleted, deletedAt: deleted ? time : null, alive, dead, differ };
}

const deleteWins: DeletionType = {
  initial: (deletedAt, zero) =>
    entriesOf(DEAD, deletedAt === null ? {} : { [zero.o]: zero.n }, null, deletedAt),
  join(a, b) {
    const { entries, deleted, deletedAt, alive, dead, differ } = joinLife(a, b, DEAD, false);
    const versions =
      differ && deleted ? [asGone(dead, deletionOf(dead), true), asLive(alive, false)] : null;
    return { entries, deletedAt, versions };
  },
  write({ old, row, stamp, base }) {
    const [wasDeleted, wantsDeleted] = [old.row.deletedAt !== null, row.deletedAt !== null];
    const before = dotsOf(old, DEAD, false);
    const unseen = unseenDots(before, base);
    const deletes = wantsDeleted && !wasDeleted;
    const undeletes = !wantsDeleted && wasDeleted;
    const dots = deletes ? { [stamp.o]: stamp.n } : undeletes ? unseen : before;
    const gone = deletes ? stamp : goneOf(old);
    const known = timeOf(old.row);
    const time = deletes ? latestTime(row.deletedAt, known) : known;
    let versions: readonly ConflictVersion[] | null = null;
    if (deletes && base !== null) {
      versions = [version(row, row.deletedAt, stamp, true), asLive(old, false)];
    } else if (wasDeleted && hasDots(unseen)) {
      const lost = version(row, null, stamp, false);
      versions = [asGone(old, goneOf(old) ?? old.zero, true), lost];
    }
    return {
      entries: entriesOf(DEAD, dots, gone, time),
      deletedAt: hasDots(dots) ? time : null,
      versions,
      changed: deletes || undeletes,
    };
  },
};

const updateWins: DeletionType = {
  initial: (deletedAt, zero) =>
    entriesOf(ALIVE, deletedAt === null ? { [zero.o]: zero.n } : {}, null, deletedAt),
  join(a, b) {
    const { entries, deleted, deletedAt, alive, dead, differ } = joinLife(a, b, ALIVE, true);
    const lost = differ && !deleted && !hasSeen(alive.row.clock, deletionOf(dead));
    const versions = lost ? [asLive(alive, true), asGone(dead, deletionOf(dead), false)] : null;
    return { entries, deletedAt, versions };
  },
  write({ old, row, stamp, base }) {
    const [wasDeleted, wantsDeleted] = [old.row.deletedAt !== null, row.deletedAt !== null];
    const before = dotsOf(old, ALIVE, true);
    const deletes = wantsDeleted && !wasDeleted;
    const deletion = goneOf(old) ?? old.zero;
    // An update, and no second deletion, by somebody who had not seen that the row was deleted.
    const revives =
      wasDeleted &&
      row.deletedAt === old.row.deletedAt &&
      base !== null &&
      !hasSeen(base, deletion);
    const updates = !wantsDeleted || revives;
    const dots = updates ? { [stamp.o]: stamp.n } : deletes ? unseenDots(before, base) : before;
    const gone = deletes ? stamp : goneOf(old);
    const known = timeOf(old.row);
    const time = deletes ? latestTime(row.deletedAt, known) : known;
    let versions: readonly ConflictVersion[] | null = null;
    if (deletes && hasDots(dots)) {
      versions = [asLive(old, true), version(row, row.deletedAt, stamp, false)];
    } else if (revives) {
      versions = [version(row, null, stamp, true), asGone(old, deletion, false)];
    }
    return {
      entries: entriesOf(ALIVE, dots, gone, time),
      deletedAt: hasDots(dots) ? null : time,
      versions,
      changed: updates || deletes,
    };
  },
};

/** "last-write" is a register of its own, or belongs to the row's; see registersOf. */
export const DELETION_TYPES: Readonly<Record<Exclude<DeletionRule, "last-write">, DeletionType>> = {
  "delete-wins": deleteWins,
  "update-wins": updateWins,
};
