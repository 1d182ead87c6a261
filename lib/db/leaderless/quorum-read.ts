import type { EntityType } from "@/lib/db/conflicts/entities";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { mergePositions, missingPositions, type Positions } from "@/lib/db/sessions/positions";
import { askQuorum, type QuorumAnswers } from "./ask-quorum";
import { decideQuorumRead, type QuorumVerdict } from "./decide-quorum-read";
import type { QuorumSizes } from "./quorum-sizes";
import { requestRepair, waitUntilHeld } from "./read-repair";
import { readVersion, type HeldVersion, type RowVersion } from "./read-version";

/** Longest wait for W regions to have what a final read returns. */
const FINAL_MS = 2_000;

export interface QuorumReadOptions {
  vantage: RegionId;
  /** What the answer has to include besides all that is acknowledged: a session's open entries. */
  required?: Positions;
  /**
   * Waits until W regions have what is returned, so that no later read returns less. Otherwise that
   * is promised of acknowledged writes alone.
   */
  final?: boolean;
}

export type QuorumRead =
  | {
      kind: "read";
      verdict: QuorumVerdict<RegionId>;
      /** The versions that it was made of, of the regions that answered, from near to far. */
      answers: ReadonlyMap<RegionId, HeldVersion>;
      sizes: QuorumSizes;
      /** What of `required` no region that answered has applied: the row may lack it. */
      missing: Positions;
      /** Regions that were behind and noted it; their workers fetch what they lack. */
      repaired: RegionId[];
      /** Whether W regions are known to have what is returned. */
      isFinal: boolean;
    }
  | Extract<QuorumAnswers<HeldVersion>, { kind: "unavailable" }>;

/**
 * Reads a row of a leaderless entity from R regions. It includes every write that was acknowledged
 * before, and where no region has all of them it is the join that all will come to. Regions that are
 * behind are told.
 */
export async function readQuorum(
  runtime: Runtime,
  entityType: EntityType,
  id: string,
  { vantage, required = new Map(), final = false }: QuorumReadOptions,
): Promise<QuorumRead> {
  const lacks = (answers: ReadonlyMap<RegionId, HeldVersion>) =>
    missingPositions(
      required,
      mergePositions(...[...answers.values()].map(({ applied }) => applied)),
    );
  const asked = await askQuorum(
    runtime,
    entityType,
    vantage,
    (db) => readVersion(db, entityType, id),
    (answers) => lacks(answers).size === 0,
  );
  if (asked.kind === "unavailable") return asked;
  const { answers, sizes } = asked;
  const versions = [...answers].map(([region, { row }]) => ({ region, row }));
  const verdict = decideQuorumRead(runtime.policy(entityType), versions);
  const repaired = await requestRepair(runtime, vantage, entityType, id, verdict.behind);
  let { holders }: { holders: readonly RegionId[] } = verdict;
  if (final && verdict.row !== null) {
    holders = await waitUntilHeld(
      runtime,
      vantage,
      { entityType, id, clock: verdict.row.clock },
      {
        holders,
        others: asked.regions,
        needed: sizes.write,
        timeoutMs: FINAL_MS,
      },
    );
  }
  const isFinal = verdict.row === null || holders.length >= sizes.write;
  return { kind: "read", verdict, answers, sizes, missing: lacks(answers), repaired, isFinal };
}

/** The versions that an answer was made of: what a session has seen with it. */
export function versionsOf({ answers }: Extract<QuorumRead, { kind: "read" }>): RowVersion[] {
  return [...answers.values()].flatMap(({ row }) => row ?? []);
}
