import { OBSERVATION_VALID_MS } from "@/lib/db/regions/region-state";
import { ALARM_KINDS, type Alarm } from "./alarm";
import { clockAlarms } from "./clocks";
import { cityOf, isoAgo, type AlarmFacts, type ReadFacts, type RegionFacts } from "./facts";
import { regionAlarms } from "./region-alarms";

/** What somebody has to know or do about the regions, the gravest first. Pure. */
export function decideAlarms(facts: AlarmFacts): Alarm[] {
  const read = facts.regions.filter((region): region is ReadFacts => region.kind === "read");
  const alarms = [
    ...facts.regions.flatMap((region) =>
      region.kind === "unread" ? [unreadAlarm(region, facts, read)] : [],
    ),
    ...leaderAlarms(facts, read),
    ...read.flatMap((region) => regionAlarms(region, facts)),
    ...clockAlarms(facts, read),
    ...redisAlarms(facts, read),
  ];
  const rank = ({ severity, kind }: Alarm) =>
    (severity === "critical" ? 0 : ALARM_KINDS.length) + ALARM_KINDS.indexOf(kind);
  return alarms.sort((a, b) => rank(a) - rank(b));
}

function unreadAlarm(
  region: RegionFacts & { kind: "unread" },
  facts: AlarmFacts,
  read: readonly ReadFacts[],
): Alarm {
  const observer = read.find(({ regionId }) => regionId === facts.vantage);
  const failedForMs = observer?.overview.peers.get(region.regionId)?.failedForMs ?? null;
  const base = {
    id: `region-unreachable ${region.regionId}`,
    kind: "region-unreachable" as const,
    regionId: region.regionId,
    ...(failedForMs === null ? {} : { since: isoAgo(facts, failedForMs) }),
  };
  const seen = `as seen from ${cityOf(facts, facts.vantage)}`;
  switch (region.reason) {
    case "unreachable":
      return {
        ...base,
        severity: "critical",
        title: `${region.city} does not answer.`,
        cause: `Its database is down, or the way to it is cut, ${seen}. The others go on; what it wrote and did not tell is out of reach.`,
        whatToDo:
          "Look whether the server runs and whether other regions reach it. If it led and comes back soon, wait: another region is chosen by itself unless failover is paused.",
      };
    case "slow":
      return {
        ...base,
        severity: "warning",
        title: `${region.city} takes too long to answer.`,
        cause: `Its database or the way to it is overloaded, or it has just gone, ${seen}.`,
        whatToDo:
          "Look at its load and its connections. If it is gone, this says so in a few seconds.",
      };
    case "failed":
      return {
        ...base,
        severity: "critical",
        title: `${region.city} refuses to say how it is.`,
        cause: `Its database answers with an error, ${seen}: a migration may be missing there, or a right of the application's role.`,
        whatToDo: "Run npm run db:migrate, then npm run db:drift, and look at the server's log.",
      };
    default:
      return region.reason satisfies never;
  }
}

function leaderAlarms(facts: AlarmFacts, read: readonly ReadFacts[]): Alarm[] {
  if (read.some(({ overview }) => overview.leading !== null)) return [];
  const registered = new Set(read.flatMap(({ overview }) => overview.registered));
  const all = Math.max(registered.size, facts.regions.length);
  const needed = Math.floor(all / 2) + 1;
  const seen = `from ${cityOf(facts, facts.vantage)}`;
  const base = { severity: "critical" as const, regionId: null };
  if (read.length < needed) {
    return [
      {
        ...base,
        id: "no-majority",
        kind: "no-majority",
        title: `Only ${read.length} of ${all} regions answer, and ${needed} are needed to lead.`,
        cause: `Without a majority no region may lead, so accounts can’t be written, as far as one sees ${seen}. Documents go on.`,
        whatToDo:
          "Bring regions back. Don’t force one to lead: the others may have a leader of their own.",
      },
    ];
  }
  const paused = read.some(({ overview }) => overview.paused);
  // Who writes next renews the lease, or moves the lead.
  if (facts.serverless && !paused) return [];
  return [
    {
      ...base,
      id: "no-leader",
      kind: "no-leader",
      title: "No region that answers holds the lease.",
      cause: `The leader is lost or has just changed${
        read.length < all ? `, or is a region that can’t be reached ${seen}` : ""
      }. Accounts can’t be written meanwhile; documents go on.`,
      whatToDo: paused
        ? "Failover is paused: resume it below, or choose a region to lead."
        : "A region is chosen by itself within seconds. If it lasts, look at the workers and at the history of failovers below.",
    },
  ];
}

function redisAlarms(facts: AlarmFacts, read: readonly ReadFacts[]): Alarm[] {
  const heard = read.filter(
    ({ overview }) => (overview.worker?.ageMs ?? Infinity) <= OBSERVATION_VALID_MS,
  );
  const without = heard.filter(({ overview }) => overview.worker?.bus === "degraded");
  if (without.length === 0) return [];
  const advice =
    "Bring Redis back, or see to it that REDIS_URL is right. Nothing is lost and nothing has to be repeated.";
  const cause =
    "Redis does not answer, or none is configured. Regions find new writes by asking each other’s databases, so they arrive later, and sessions on several devices know less of each other.";
  if (without.length === heard.length) {
    return [
      {
        id: "redis-gone",
        kind: "redis-gone",
        severity: "warning",
        regionId: null,
        title: "Redis is gone: writes take the slower way.",
        cause,
        whatToDo: advice,
      },
    ];
  }
  return without.map(({ regionId, city }) => ({
    id: `redis-gone ${regionId}`,
    kind: "redis-gone",
    severity: "warning",
    regionId,
    title: `${city} does not reach Redis: its writes take the slower way.`,
    cause,
    whatToDo: advice,
  }));
}
