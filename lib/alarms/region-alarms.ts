import { regionOfActor } from "@/lib/db/regions/region-id";
import type { Alarm } from "./alarm";
import { cityOf, isoAgo, type AlarmFacts, type HorizonHolder, type ReadFacts } from "./facts";

/** What is out of order in a region that answers: its database, its worker, the streams into it. */
export function regionAlarms(region: ReadFacts, facts: AlarmFacts): Alarm[] {
  return [
    ...databaseAlarms(region),
    ...workerAlarms(region, facts),
    ...stallAlarms(region, facts),
    ...transactionAlarms(region, facts),
  ];
}

function databaseAlarms({ regionId, city, database }: ReadFacts): Alarm[] {
  const alarms: Alarm[] = [];
  if (database.readOnly) {
    alarms.push({
      id: `read-only ${regionId}`,
      kind: "read-only",
      severity: "critical",
      regionId,
      title: `${city} takes no writes.`,
      cause:
        "Its database is read-only: it is a physical replica, or its provider made it so because the disk is full.",
      whatToDo: "Make room or promote the replica, then set default_transaction_read_only to off.",
    });
  }
  if (database.state !== "ready") {
    const copying = database.state === "copying";
    alarms.push({
      id: `not-ready ${regionId}`,
      kind: "not-ready",
      severity: copying ? "warning" : "critical",
      regionId,
      title: copying ? `${city} is being filled.` : `${city} was put back to an old copy.`,
      cause: copying
        ? "The rows of the other regions are being copied in. It does not vote until that has ended."
        : "Its peers have more of it than it has itself, so it refuses writes.",
      whatToDo:
        "Its worker does the rest, if all other regions answer. See npm run region -- status.",
    });
  }
  return alarms;
}

function workerAlarms({ regionId, city, overview }: ReadFacts, facts: AlarmFacts): Alarm[] {
  const silentMs = overview.worker?.ageMs ?? Infinity;
  if (silentMs <= facts.thresholds.workerSilentMs) return [];
  return [
    {
      id: `worker-silent ${regionId}`,
      kind: "worker-silent",
      severity: "critical",
      regionId,
      title: `The worker of ${city} is silent.`,
      cause:
        "It does not run, hangs, or can’t write to its database (a full disk is such a case). Nothing of this region is told, and nothing of the others is applied here.",
      whatToDo: `Start it with CURRENT_REGION=${regionId} npm run worker, or look at its log; where none runs, see that /api/cron/tick is called. What it missed is then pulled.`,
      ...(Number.isFinite(silentMs) ? { since: isoAgo(facts, silentMs) } : {}),
    },
  ];
}

const STALL_ADVICE: Record<string, string> = {
  schema: "Migrate all regions: npm run db:migrate. The stream then goes on by itself.",
  "clock-ahead":
    "Set the clock of the region that writes. The stream goes on once the other clock has caught up.",
  trimmed: "Run npm run region -- repair: it copies what is no longer in the outbox.",
  restored: "Wait: the worker of that region heals it. All other regions have to answer for that.",
};

function stallAlarms({ regionId, city, overview }: ReadFacts, facts: AlarmFacts): Alarm[] {
  return [...overview.stalls].map(([actor, { reason, detail, forMs }]) => ({
    id: `stream-stalled ${regionId} ${actor}`,
    kind: "stream-stalled",
    severity: "critical",
    regionId,
    title: `Writes of ${cityOf(facts, regionOfActor(actor))} do not arrive in ${city}.`,
    cause: detail,
    whatToDo:
      STALL_ADVICE[reason] ??
      "See the log of the region’s worker, and the dead letters. The stream is tried again all the time.",
    since: isoAgo(facts, forMs),
    details: [{ label: "Reason", value: reason }],
  }));
}

function transactionAlarms({ regionId, city, database }: ReadFacts, facts: AlarmFacts): Alarm[] {
  const { holder } = database;
  if (!holder || holder.ageMs === null || holder.ageMs < facts.thresholds.longTransactionMs) {
    return [];
  }
  const age = `${Math.round(holder.ageMs / 1000)} s`;
  const end =
    holder.pid === null
      ? `connect to its database and run ROLLBACK PREPARED '${holder.prepared ?? ""}'`
      : `run SELECT pg_terminate_backend(${holder.pid}) there`;
  return [
    {
      id: `long-transaction ${regionId} ${holder.pid ?? holder.prepared ?? ""}`,
      kind: "long-transaction",
      severity: holder.ageMs < 4 * facts.thresholds.longTransactionMs ? "warning" : "critical",
      regionId,
      title: `A transaction of ${age} holds back all that ${city} tells.`,
      cause:
        "Events are read in the order of transactions that have ended, so nothing that was written after this one began is told to other regions until it ends.",
      whatToDo: `Ask whoever runs it to commit, or ${end}: what it wrote is then rolled back.`,
      since: isoAgo(facts, holder.ageMs),
      details: holderDetails(holder, age),
    },
  ];
}

function holderDetails(holder: HorizonHolder, age: string): { label: string; value: string }[] {
  const { pid, prepared, applicationName, database, state, query } = holder;
  return [
    ["Process", pid === null ? null : `${pid}`],
    ["Prepared as", prepared],
    ["Age", age],
    ["Application", applicationName || null],
    ["Database", database],
    ["State", state],
    ["Query", query?.replace(/\s+/g, " ").trim() || null],
  ].flatMap(([label, value]) => (label && value ? [{ label, value }] : []));
}
