import { OBSERVATION_VALID_MS } from "@/lib/db/regions/region-state";
import type { Alarm } from "./alarm";
import { cityOf, type AlarmFacts, type ReadFacts } from "./facts";

/** How much the clock of `b` is ahead of that of `a`. */
interface Difference {
  a: string;
  b: string;
  aheadMs: number;
}

/**
 * One alarm for each clock that is off. Of two clocks that differ nobody knows which is wrong; one that
 * differs from several others is.
 */
export function clockAlarms(facts: AlarmFacts, read: readonly ReadFacts[]): Alarm[] {
  const alarms: Alarm[] = [];
  let open = differences(read).filter(
    ({ aheadMs }) => Math.abs(aheadMs) >= facts.thresholds.clockWarningMs,
  );
  while (open.length > 0) {
    const [suspect, own] = mostOften(open);
    alarms.push(clockAlarm(facts, suspect, own));
    open = open.filter((difference) => !own.includes(difference));
  }
  return alarms;
}

/** Of each pair the one that was measured both ways by the mean, which cancels half of the error. */
function differences(read: readonly ReadFacts[]): Difference[] {
  const byPair = new Map<string, Difference[]>();
  for (const { regionId, overview } of read) {
    for (const peer of overview.peers.values()) {
      const fresh = peer.failedForMs === null && peer.ageMs <= OBSERVATION_VALID_MS;
      if (peer.region === regionId || !fresh) continue;
      const [a, b] = [regionId, peer.region].sort() as [string, string];
      const aheadMs = a === regionId ? peer.clockOffsetMs : -peer.clockOffsetMs;
      byPair.set(`${a} ${b}`, [...(byPair.get(`${a} ${b}`) ?? []), { a, b, aheadMs }]);
    }
  }
  return [...byPair.values()].flatMap((measured) => {
    const [first] = measured;
    if (!first) return [];
    const sum = measured.reduce((total, { aheadMs }) => total + aheadMs, 0);
    return [{ ...first, aheadMs: sum / measured.length }];
  });
}

function mostOften(open: readonly Difference[]): [string, Difference[]] {
  const names = [...new Set(open.flatMap(({ a, b }) => [a, b]))];
  const of = (name: string) => open.filter(({ a, b }) => a === name || b === name);
  names.sort((one, other) => of(other).length - of(one).length);
  const [name = ""] = names;
  return [name, of(name)];
}

function clockAlarm(facts: AlarmFacts, suspect: string, own: readonly Difference[]): Alarm {
  const city = (id: string) => cityOf(facts, id);
  const aheadMs = (difference: Difference) =>
    difference.b === suspect ? difference.aheadMs : -difference.aheadMs;
  const worst = Math.max(...own.map(({ aheadMs: ms }) => Math.abs(ms)));
  const critical = worst >= facts.thresholds.clockCriticalMs;
  const [only] = own;
  const other = only?.a === suspect ? only.b : only?.a;
  const certain = own.length > 1;
  const way = only && aheadMs(only) > 0 ? "ahead of" : "behind";
  return {
    id: `clock-offset ${own.map(({ a, b }) => `${a} ${b}`).join(" ")}`,
    kind: "clock-offset",
    severity: critical ? "critical" : "warning",
    regionId: certain ? suspect : null,
    title: certain
      ? `The clock of ${city(suspect)} is about ${Math.round(worst)} ms ${way} the others.`
      : `The clocks of ${city(suspect)} and ${city(other ?? "")} differ by about ${Math.round(worst)} ms.`,
    cause: critical
      ? `Writes that are stamped more than ${facts.thresholds.clockCriticalMs} ms ahead of another region’s clock are not applied there until that clock has caught up, and would win every conflict.`
      : `Past ${facts.thresholds.clockCriticalMs} ms writes of the region that is ahead are not applied elsewhere any more.`,
    whatToDo: certain
      ? "Look after time synchronisation (chrony, NTP) on its database server."
      : "Look after time synchronisation (chrony, NTP) on both database servers; which is wrong can’t be told from two clocks.",
    details: own.map((difference) => {
      const peer = difference.a === suspect ? difference.b : difference.a;
      const ms = aheadMs(difference);
      return {
        label: `To ${city(peer)}`,
        value: `${ms > 0 ? "+" : "−"}${Math.round(Math.abs(ms))} ms`,
      };
    }),
  };
}
