import { DatabaseError } from "pg";
import { errorMessage } from "@/lib/errors";
import { readEntityTypes } from "@/lib/db/replication/store";
import { regionOfActor, type Actor } from "@/lib/db/regions/region-id";
import { compareRegions, type CheckOptions, type CheckReport, type Comparison } from "./check";
import { raiseCursors } from "./copy";
import { isDivergent, readStates, type RowState } from "./ranges";
import { isContentOnly, type EntityRowStates } from "./settle";
import type { RepairRegion, View } from "./snapshot";
import { chunked, mergeRows, putRows, readRows } from "./transfer";

/**
 * - `joined`: regions had different versions, and each merged those of the others.
 * - `majority`: one version with several contents; the one that most regions had.
 * - `origin`: the same without a majority; the one in the region that wrote the version.
 * - `order`: the same without that region; the least hash, so that every repair chooses alike.
 */
export type RepairRule = "joined" | "majority" | "origin" | "order";

export interface Mended {
  entity: string;
  id: string;
  rule: RepairRule;
  /** For the rules that choose one region's row: whose. */
  from?: string;
}

export interface RepairReport {
  dryRun: boolean;
  /** What was found before. */
  check: CheckReport;
  /** With `dryRun`: what would be done. */
  mended: Mended[];
  failed: { entity: string; id: string; region: string; reason: string }[];
  /** Rows that still differ: they were written meanwhile, or could not be mended. */
  left: { entity: string; id: string }[];
  /** Cursors that were moved over what another region had of a stream that could not go on. */
  raised: { region: string; actor: string; position: string }[];
}

const ROUNDS = 4;

/** Chooses between contents of one version. */
export function chooseContent(
  states: readonly RowState[],
  regions: readonly string[],
): { index: number; rule: RepairRule } {
  const votes = new Map<string, number>();
  for (const { hash } of states) votes.set(hash, (votes.get(hash) ?? 0) + 1);
  const most = Math.max(...votes.values());
  const leading = [...votes].filter(([, count]) => count === most).map(([hash]) => hash);
  const holderOf = (hash: string | undefined) => states.findIndex((state) => state.hash === hash);
  if (leading.length === 1) return { index: holderOf(leading[0]), rule: "majority" };
  const origin = states.findIndex(
    (state, index) =>
      regionOfActor(state.origin as Actor) === regions[index] && leading.includes(state.hash),
  );
  if (origin >= 0) return { index: origin, rule: "origin" };
  return { index: holderOf([...leading].sort()[0]), rule: "order" };
}

function planOf(row: EntityRowStates, regions: readonly RepairRegion[]): Mended {
  const { entity, id, states } = row;
  if (!isContentOnly(states)) return { entity, id, rule: "joined" };
  const present = states.filter((state) => state !== null);
  const { index, rule } = chooseContent(
    present,
    regions.map((region) => region.id),
  );
  return { entity, id, rule, from: regions[index]?.id ?? "" };
}

class Mender {
  private readonly types = new Map<string, ReadonlyMap<string, number>>();
  readonly failed: RepairReport["failed"] = [];

  constructor(private readonly regions: readonly RepairRegion[]) {}

  private async typesOf(region: RepairRegion): Promise<ReadonlyMap<string, number>> {
    const known = this.types.get(region.id) ?? (await readEntityTypes(region.pool));
    this.types.set(region.id, known);
    return known;
  }

  /** Merges every region's version of each row into all others that have another one. */
  async join(entity: string, rows: readonly EntityRowStates[]): Promise<void> {
    for (const [from, source] of this.regions.entries()) {
      const theirs = rows.flatMap(({ states }) => states[from] ?? []);
      for (const chunk of chunked(theirs)) {
        const wanted = new Set(chunk.map(({ id }) => id));
        for (const [to, target] of this.regions.entries()) {
          if (to === from) continue;
          const ids = rows
            .filter(({ id, states }) => wanted.has(id) && states[to]?.hash !== states[from]?.hash)
            .map(({ id }) => id);
          if (ids.length > 0) await this.merge(source, target, entity, ids);
        }
      }
    }
  }

  /** One row that the target refuses must not keep the others from being mended. */
  private async merge(
    source: RepairRegion,
    target: RepairRegion,
    entity: string,
    ids: readonly string[],
  ): Promise<void> {
    const rows = await readRows(source.pool, target.id, entity, ids);
    if (rows === null) return;
    try {
      await mergeRows(target.pool, await this.typesOf(target), rows);
    } catch (error) {
      if (!(error instanceof DatabaseError) || !/^(22|23|42)/.test(error.code ?? "")) throw error;
      const [only, second] = ids;
      if (only !== undefined && second === undefined) {
        this.failed.push({ entity, id: only, region: target.id, reason: errorMessage(error) });
        return;
      }
      const half = Math.ceil(ids.length / 2);
      await this.merge(source, target, entity, ids.slice(0, half));
      await this.merge(source, target, entity, ids.slice(half));
    }
  }

  /** Puts the chosen content where another one is. */
  async put(entity: string, rows: readonly EntityRowStates[]): Promise<void> {
    const chosen = rows.map((row) => ({ row, from: planOf(row, this.regions).from }));
    for (const source of this.regions) {
      const from = this.regions.indexOf(source);
      const ours = chosen.filter((each) => each.from === source.id).map(({ row }) => row);
      const states = ours.flatMap((row) => row.states[from] ?? []);
      for (const chunk of chunked(states)) {
        const ids = new Set(chunk.map(({ id }) => id));
        for (const [to, target] of this.regions.entries()) {
          const expected = new Map<string, string>();
          for (const row of ours) {
            const theirs = row.states[to];
            if (!ids.has(row.id) || !theirs || theirs.hash === row.states[from]?.hash) continue;
            expected.set(row.id, theirs.hash);
          }
          if (expected.size === 0) continue;
          const elements = await readRows(source.pool, target.id, entity, [...expected.keys()]);
          if (elements === null) continue;
          await putRows(target.pool, await this.typesOf(target), elements, expected);
        }
      }
    }
  }

  async mend(rows: readonly EntityRowStates[]): Promise<void> {
    for (const entity of new Set(rows.map((row) => row.entity))) {
      const ofEntity = rows.filter((row) => row.entity === entity);
      await this.put(
        entity,
        ofEntity.filter(({ states }) => isContentOnly(states)),
      );
      await this.join(
        entity,
        ofEntity.filter(({ states }) => !isContentOnly(states)),
      );
    }
  }

  async stillDifferent(rows: readonly EntityRowStates[]): Promise<EntityRowStates[]> {
    const views: View[] = this.regions.map(({ id, pool }) => ({ region: id, db: pool }));
    const different: EntityRowStates[] = [];
    for (const entity of new Set(rows.map((row) => row.entity))) {
      const ids = rows.filter((row) => row.entity === entity).map(({ id }) => id);
      const now = await readStates(views, entity, ids);
      different.push(
        ...now.filter(({ states }) => isDivergent(states)).map((row) => ({ ...row, entity })),
      );
    }
    return different;
  }
}

/**
 * A stream whose next events are gone, or whose origin is, goes on from what another region held
 * when it was compared, once everything that it held has been merged.
 */
async function releaseStreams(comparison: Comparison): Promise<RepairReport["raised"]> {
  const raised: RepairReport["raised"] = [];
  const reachable = new Set(comparison.regions.map(({ id }) => id));
  for (const { id, pool } of comparison.regions) {
    const { rows } = await pool.query<{ actor: string; position: string; trimmed: boolean }>(
      `SELECT actor, coalesce(c.position, 0)::text AS position, coalesce(s.reason = 'trimmed', false) AS trimmed
       FROM mr.cursor c FULL JOIN mr.stall s USING (actor)`,
    );
    const mine = new Map(rows.map((row) => [row.actor, row]));
    const best: Record<string, string> = {};
    for (const [region, held] of comparison.held) {
      if (region === id) continue;
      for (const [actor, position] of Object.entries(held)) {
        const own = mine.get(actor);
        const isStuck = own?.trimmed || !reachable.has(regionOfActor(actor as Actor));
        const known = BigInt(best[actor] ?? own?.position ?? "0");
        if (isStuck && regionOfActor(actor as Actor) !== id && BigInt(position) > known) {
          best[actor] = position;
        }
      }
    }
    if (Object.keys(best).length === 0) continue;
    await raiseCursors(pool, best);
    raised.push(
      ...Object.entries(best).map(([actor, position]) => ({ region: id, actor, position })),
    );
  }
  return raised;
}

/** Makes the reachable regions equal. Writes may go on; nothing that it writes is replicated again. */
export async function repairRegions(
  all: readonly RepairRegion[],
  options: CheckOptions & { dryRun?: boolean } = {},
): Promise<RepairReport> {
  const comparison = await compareRegions(all, options);
  const { regions } = comparison;
  // Merging a row that is only under way does no harm, and one whose stream stands still needs it.
  const found = [...comparison.divergent, ...comparison.unsettled];
  const report: RepairReport = {
    dryRun: options.dryRun ?? false,
    check: comparison.report,
    mended: found.map((row) => planOf(row, regions)),
    failed: [],
    left: [],
    raised: [],
  };
  if (report.dryRun || regions.length < 2) return report;
  const mender = new Mender(regions);
  let open = found;
  for (let round = 0; round < ROUNDS && open.length > 0; round++) {
    mender.failed.length = 0;
    await mender.mend(open);
    open = await mender.stillDifferent(open);
  }
  report.failed = mender.failed;
  report.left = open.map(({ entity, id }) => ({ entity, id }));
  const refused = new Set(report.failed.map(({ entity, id }) => `${entity} ${id}`));
  if (options.entity === undefined && refused.size === 0) {
    report.raised = await releaseStreams(comparison);
  }
  return report;
}
