import type { EntityPolicy } from "@/lib/db/conflicts/policy";
import { joinRows } from "@/lib/db/conflicts/strategies/join-rows";
import type { Row } from "@/lib/db/conflicts/strategies/row";
import { compareClocks, type VectorClock } from "@/lib/db/conflicts/vector-clock";

/** What one region has of a row; null: it has none. */
export interface VersionAnswer<R extends string = string> {
  readonly region: R;
  readonly row: Row | null;
}

/** A region that lacks something, and where each thing that it lacks is. */
export interface Behind<R extends string = string> {
  readonly region: R;
  readonly sources: readonly { region: R; clock: VectorClock }[];
}

export type QuorumVerdict<R extends string = string> =
  /** No region has the row. */
  | { kind: "absent"; row: null; holders: readonly R[]; behind: readonly [] }
  /** All have the same version. */
  | { kind: "equal"; row: Row; holders: readonly R[]; behind: readonly [] }
  /** `holders` have a version that includes those of all others. */
  | { kind: "newest"; row: Row; holders: readonly R[]; behind: readonly Behind<R>[] }
  /** No region has all of it: what they will all have once they have each other's. */
  | { kind: "joined"; row: Row; holders: readonly []; behind: readonly Behind<R>[] };

const has = (row: Row | null, clock: VectorClock): boolean => {
  if (row === null) return false;
  const order = compareClocks(row.clock, clock);
  return order === "equal" || order === "after";
};

/**
 * What a row is, given what several regions have of it, and which of them have to be told. The join is
 * the one that regions make when they merge each other's events, so the answer does not depend on
 * which regions were asked beyond what they knew.
 *
 * @param answers from near to far: of several regions with one version the nearest is a source of it
 */
export function decideQuorumRead<R extends string>(
  policy: EntityPolicy,
  answers: readonly VersionAnswer<R>[],
): QuorumVerdict<R> {
  let newest: { region: R; row: Row }[] = [];
  for (const { region, row } of answers) {
    if (row === null || newest.some((other) => has(other.row, row.clock))) continue;
    newest = [...newest.filter((other) => !has(row, other.row.clock)), { region, row }];
  }
  const [first, ...others] = newest;
  if (!first) {
    return { kind: "absent", row: null, holders: answers.map(({ region }) => region), behind: [] };
  }
  const row = others.reduce((joined, other) => joinRows(policy, joined, other.row), first.row);
  const holders = answers.filter((answer) => has(answer.row, row.clock));
  // A tombstone that was collected is missing for good reason: to bring it back would be no repair.
  const collected = (answer: VersionAnswer) =>
    policy.collect && row.deletedAt !== null && answer.row === null;
  const behind = answers
    .filter((answer) => !has(answer.row, row.clock) && !collected(answer))
    .map((answer) => ({
      region: answer.region,
      sources: newest
        .filter((source) => !has(answer.row, source.row.clock))
        .map((source) => ({ region: source.region, clock: source.row.clock })),
    }));
  const regions = holders.map(({ region }) => region);
  if (others.length > 0) return { kind: "joined", row, holders: [], behind };
  return behind.length === 0
    ? { kind: "equal", row, holders: regions, behind: [] }
    : { kind: "newest", row, holders: regions, behind };
}
