import { systemSleep } from "@/lib/clock";
import { sqlState } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { askWhetherLeading } from "@/lib/lab/invariants/probe";
import { anotherLeads, rowsGoOn, settledLeader, verdict } from "./shared-steps";
import { StoryFailedError, until, type Story, type StoryTools } from "./story";

/** Long past any lease: a second by default. */
const PAUSE_MS = 6_000;

/** What the database answers to a writer when another region leads, or it has no lease. */
const FENCED = ["MR001", "MR007"];

/** Writes that are thrown at the returning leader, as fast as it answers. */
const ATTEMPTS = 20;

/** The leading database is stopped for longer than its lease, and goes on as if nothing had happened. */
export const OLD_LEADER: Story = {
  id: "old-leader",
  steps: () => {
    let old: { region: RegionId; epoch: bigint };
    let next: { region: RegionId; epoch: bigint };
    let pausedAtMs = 0;
    let newestHlc = 0n;
    return [
      {
        title: "One region leads, and clients everywhere write what needs a leader",
        run: async (tools) => {
          old = await settledLeader(tools);
          await rowsGoOn(tools, 10);
          return `${tools.city(old.region)} leads epoch ${old.epoch}.`;
        },
      },
      {
        title: "Its database is paused in the middle of that",
        run: async (tools) => {
          newestHlc = await newestRow(tools, old.region);
          pausedAtMs = performance.now();
          await tools.fault({ kind: "database", region: old.region, action: "pause" });
          return "SIGSTOP: its connections stay open, and it believes that it leads.";
        },
      },
      {
        title: "Another region leads",
        run: async (tools) => {
          next = await anotherLeads(tools, old);
          const ms = Math.round(performance.now() - pausedAtMs);
          return `${tools.city(next.region)} leads epoch ${next.epoch}, ${ms} ms after the pause.`;
        },
      },
      {
        title: "Writes go on under the new leader, until the old lease is long over",
        run: async (tools) => {
          await rowsGoOn(tools, 20);
          await systemSleep(PAUSE_MS - (performance.now() - pausedAtMs), tools.signal);
          return `Paused for ${Math.round((performance.now() - pausedAtMs) / 1000)} s.`;
        },
      },
      {
        title: "The old leader goes on, and takes not one write",
        run: async (tools) => {
          await tools.fault({ kind: "database", region: old.region, action: "continue" });
          const refused = await writeDirectly(tools, old.region, next.epoch);
          const late = await until(tools, 30_000, "the new leader’s rows in the old one", () =>
            lateRows(tools, { old: old.region, next: next.region, newestHlc }).catch(() => null),
          );
          if (late > 0) throw new StoryFailedError(`It took ${late} writes after its epoch ended.`);
          return `${refused} writes sent straight to it: each refused. None of its rows is later than the first of the new epoch.`;
        },
      },
      {
        title: "What it had not told anybody is merged or listed, and nothing is missing",
        run: async (tools) => {
          const found = await verdict(tools);
          return `${await strandedRows(tools, next.epoch)} ${found}`;
        },
      },
    ];
  },
};

/** Past the application, which would go to the new leader: how many were refused. Throws if one was taken. */
async function writeDirectly(
  tools: StoryTools,
  region: RegionId,
  laterEpoch: bigint,
): Promise<number> {
  const db = tools.runtime().clients.write(region, region);
  let refused = 0;
  return until(tools, 30_000, "the old leader to answer", async () => {
    const id = `direct-${crypto.randomUUID()}`;
    const state = await db.$executeRaw`
      INSERT INTO "LabRow" ("id", "vantage", "durability") VALUES (${id}, ${region}, 'region')`
      .then(() => "taken")
      .catch((error: unknown) => sqlState(error) ?? "unreachable");
    if (FENCED.includes(state)) refused += 1;
    if (state === "taken") {
      const now = await askWhetherLeading(db);
      if (now.kind === "leads" && now.epoch > laterEpoch) return refused; // elected anew meanwhile
      throw new StoryFailedError("It took a write that was sent straight to it.");
    }
    return refused >= ATTEMPTS ? refused : null;
  });
}

async function newestRow(tools: StoryTools, region: RegionId): Promise<bigint> {
  const rows = await tools.runtime().clients.read(region, region).$queryRaw<{ hlc: bigint }[]>`
    SELECT coalesce(max("hlc"), 0) AS hlc FROM "LabRow"`;
  return rows[0]?.hlc ?? 0n;
}

/**
 * Rows of the old leader that are stamped later than the first of the new one; here one clock stamps them
 * all. Null while none of the new one has arrived.
 *
 * @param newestHlc of all rows before the pause
 */
async function lateRows(
  tools: StoryTools,
  { old, next, newestHlc }: { old: RegionId; next: RegionId; newestHlc: bigint },
): Promise<number | null> {
  const rows = await tools.runtime().clients.read(old, old).$queryRaw<{ late: number }[]>`
    WITH first AS (
      SELECT min("hlc") AS hlc FROM "LabRow"
      WHERE split_part("origin", '#', 1) = ${next} AND "hlc" > ${newestHlc})
    SELECT (SELECT count(*)::int FROM "LabRow" r
      WHERE split_part(r."origin", '#', 1) = ${old} AND r."hlc" > f.hlc) AS late
    FROM first f WHERE f.hlc IS NOT NULL`;
  return rows[0]?.late ?? null;
}

async function strandedRows(tools: StoryTools, epoch: bigint): Promise<string> {
  const lists = await Promise.all(
    tools.regions.map(
      (region) =>
        tools.runtime().clients.read(region, region).$queryRaw<
          { outcome: string; count: number }[]
        >`
        SELECT outcome, count(*)::int AS count FROM mr.stranded_write
        WHERE entity = 'LabRow' AND epoch = ${epoch} GROUP BY outcome`,
    ),
  );
  const counts = new Map<string, number>();
  for (const { outcome, count } of lists.flat()) {
    counts.set(outcome, Math.max(counts.get(outcome) ?? 0, count));
  }
  if (counts.size === 0) return "It had told everything before it was paused.";
  return `Of what it had not told: ${[...counts].map(([outcome, n]) => `${n} ${outcome}`).join(", ")}.`;
}
