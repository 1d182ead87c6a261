import { randomUUID } from "node:crypto";
import { systemSleep, type Sleep } from "@/lib/clock";
import { isUnreachable, within } from "@/lib/db/regions/faults";
import type { FailoverRefusal, OrderKind } from "@/lib/failover-shape";
import { getLogger } from "@/lib/log";
import { explainRefusal, knownLeader, refusalOf } from "./assess";
import type { Attempt } from "./attempt";
import { readAttempt } from "./history";
import type { OperatorRegion, Queryable } from "./queryable";
import { lookAtRegions, type Look } from "./report";
import type { FailoverSettings } from "./settings";

/** Longest wait for the database that the order is written in, in ms. */
const ORDER_MS = 3_000;

/** Of text that a person typed, in the history. */
const MAX_REASON = 500;

export interface FailoverOrder {
  to: string;
  reason: string;
  /** Who asks: a user's id, or where the command was given. */
  by: string;
  /** Without it: switchover from a leader that has its lease, else failover. */
  kind?: OrderKind;
  /** The leader as whoever asks knows it: refused as `leader-changed` if another one is. */
  from?: string;
}

export type OrderOutcome =
  | { kind: "requested"; attempt: Attempt }
  | { kind: "refused"; reason: FailoverRefusal; message: string };

/**
 * Looks at all regions, checks, and asks the target's worker to lead: the one way in which an operator changes
 * the leader, from the dashboard and the command line alike. What was asked, by whom, and the answer are
 * audited in the target's database; a refusal in the first one that answers.
 */
export async function orderFailover(
  regions: readonly OperatorRegion[],
  settings: Pick<FailoverSettings, "maxBehindMs">,
  order: FailoverOrder,
): Promise<OrderOutcome> {
  const looks = await lookAtRegions(regions);
  const leader = knownLeader(looks);
  const kind = order.kind ?? (leader?.report?.leading != null ? "switchover" : "failover");
  const refuse = async (reason: FailoverRefusal): Promise<OrderOutcome> => {
    await auditRefusal(regions, looks, { ...order, kind }, reason);
    return { kind: "refused", reason, message: explainRefusal(reason, order.to, looks) };
  };
  const refusal = refusalOf(order.to, looks, settings);
  if (refusal) return refuse(refusal);
  if (order.from !== undefined && order.from !== leader?.region) return refuse("leader-changed");
  const target = regions.find(({ id }) => id === order.to);
  if (!target) return refuse("unknown-region");

  const id = randomUUID();
  try {
    const { rows } = await within(
      ORDER_MS,
      target.db.query<{ answer: "requested" | "running" | "already-leader" | "leader-changed" }>(
        "SELECT mr.order_leadership($1, $2, $3, $4::bigint, $5, $6) AS answer",
        [
          id,
          kind,
          leader?.region ?? null,
          `${leader?.epoch ?? 0n}`,
          order.reason.slice(0, MAX_REASON),
          order.by,
        ],
      ),
    );
    const answer = rows[0]?.answer ?? "running";
    if (answer !== "requested") {
      // Audited there already.
      return { kind: "refused", reason: answer, message: explainRefusal(answer, order.to, looks) };
    }
    const attempt = await within(ORDER_MS, readAttempt(target.db, id));
    if (attempt) return { kind: "requested", attempt };
    throw new Error(`The attempt ${id} is not in the history`);
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    // It may have been written all the same: the history tells.
    return refuse("unhealthy");
  }
}

async function auditRefusal(
  regions: readonly OperatorRegion[],
  looks: readonly Look[],
  { to, reason, by, kind, from }: FailoverOrder,
  refusal: FailoverRefusal,
): Promise<void> {
  const answering = regions.filter(({ id }) => looks.some((look) => look.id === id && look.report));
  const where = answering.find(({ id }) => id === to) ?? answering[0];
  const detail = JSON.stringify({ from, reason: reason.slice(0, MAX_REASON) });
  const values = [by, `leadership.${kind}`, to.slice(0, 40), detail, `refused: ${refusal}`];
  try {
    if (!where) return;
    await within(
      ORDER_MS,
      where.db.query("SELECT mr.write_audit($1, $2, $3, $4::jsonb, $5)::text", values),
    );
  } catch (err) {
    // Nothing was changed, so nothing is undone for want of its record.
    getLogger("leadership").warn({ err }, "A refusal could not be audited.");
  }
}

/** The attempt once it has ended; as it was last seen when that takes longer than `timeoutMs`. */
export async function followAttempt(
  db: Queryable,
  id: string,
  timeoutMs: number,
  sleep: Sleep = systemSleep,
): Promise<Attempt | null> {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const attempt = await readAttempt(db, id);
    if (attempt?.completedAt || performance.now() > untilMs) return attempt;
    await sleep(50);
  }
}
