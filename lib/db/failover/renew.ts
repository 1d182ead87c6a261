import type { RegionId } from "@/lib/db/regions/region-id";
import { failpoint } from "@/lib/failpoints";
import { majorityOf } from "./facts";
import { collect, countWhere } from "./quorum";
import type { HoldOutcome, RegionControl } from "./region-control";
import type { FailoverSettings } from "./settings";

export interface LeaseWorld {
  controls: ReadonlyMap<RegionId, RegionControl>;
  settings: Pick<FailoverSettings, "leaseMs">;
}

export type RenewOutcome =
  | { kind: "held" }
  | { kind: "refused"; reason: Exclude<HoldOutcome, "held"> | "no-majority" | "unreachable" };

/**
 * Extends the lease of a leader. The lease starts from a time that the leader's database said before any
 * acceptor was asked, and after it took a write. Safe to repeat, and for several to do at once.
 *
 * @param regions all registered regions, which a majority is of
 */
export async function renewLease(
  { controls, settings }: LeaseWorld,
  epoch: bigint,
  leader: RegionId,
  regions: readonly RegionId[],
): Promise<RenewOutcome> {
  const target = controls.get(leader);
  const start = await target?.probe().catch(() => null);
  if (!target || !start) return { kind: "refused", reason: "unreachable" };
  if (start.promisedEpoch > epoch || start.released >= epoch) {
    return { kind: "refused", reason: "superseded" };
  }
  const granted = await requestGrants(controls, regions, (control) =>
    control.grant(epoch, leader, start.actor),
  );
  if (!granted) return { kind: "refused", reason: "no-majority" };
  failpoint("lease:granted");
  const outcome = await target
    .hold({ epoch, start: start.now, boot: start.boot, leaseMs: settings.leaseMs, begin: false })
    .catch(() => "unreachable" as const);
  return outcome === "held" ? { kind: "held" } : { kind: "refused", reason: outcome };
}

/** Whether a majority of the regions granted. */
export async function requestGrants(
  controls: ReadonlyMap<RegionId, RegionControl>,
  regions: readonly RegionId[],
  grant: (control: RegionControl) => Promise<string>,
): Promise<boolean> {
  const calls = new Map(
    regions.flatMap((id) => {
      const control = controls.get(id);
      return control ? [[id, grant(control)] as const] : [];
    }),
  );
  const isGrant = (outcome: string) => outcome === "granted";
  const majority = majorityOf(regions);
  const results = await collect(calls, (done) => countWhere(done, isGrant) >= majority);
  return countWhere(results, isGrant) >= majority;
}
