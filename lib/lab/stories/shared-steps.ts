import { FailoverManager } from "@/lib/db/failover-manager";
import type { RegionId } from "@/lib/db/regions/region-id";
import { createDocument } from "@/lib/documents/write";
import { tellLoss } from "@/lib/lab/invariants/ledger";
import { violationsIn } from "@/lib/lab/lab-shape";
import type { Typist, Typed } from "@/lib/lab/typist";
import { StoryFailedError, until, type StoryTools } from "./story";

export const SETTLE_MS = 30_000;

/** An election takes 2 to 4 s; on a machine that is busy, more. */
export const ELECTION_MS = 20_000;

/** The one region that leads, once every region has answered. */
export function settledLeader(tools: StoryTools): Promise<{ region: RegionId; epoch: bigint }> {
  const { client, regions } = tools;
  return until(tools, SETTLE_MS, "one leader, with every region answering", () => {
    const leaders = client.watch.leaders();
    const silent = regions.some((region) => client.watch.of(region).kind === "unknown");
    return !silent && leaders.length === 1 ? leaders[0]! : null;
  });
}

/** Hands over to a region, as an operator would, unless it leads already. */
export async function letLead(tools: StoryTools, target: RegionId): Promise<bigint> {
  const { client, runtime, userId, city } = tools;
  await settledLeader(tools);
  const manager = new FailoverManager(runtime, target);
  return until(tools, SETTLE_MS, `${city(target)} to lead`, async () => {
    const now = client.watch.of(target);
    if (now.kind === "leads") return now.epoch;
    tools.tell({ kind: "say", detail: `Asking for a switchover to ${city(target)}` });
    const order = await manager.triggerManualFailover(target, "A story of the fault lab", {
      kind: "switchover",
      by: userId,
    });
    if (order.kind !== "requested") {
      tools.tell({ kind: "say", detail: order.message });
      return null;
    }
    await until(tools, 5_000, "the switchover", () =>
      client.watch.of(target).kind === "leads" ? true : null,
    ).catch(() => undefined);
    return null;
  });
}

/** Waits until a region that is not `former` leads a later epoch. */
export async function anotherLeads(
  tools: StoryTools,
  former: { region: RegionId; epoch: bigint },
): Promise<{ region: RegionId; epoch: bigint }> {
  return until(tools, ELECTION_MS, "another region to lead", () => {
    const found = tools.client.watch
      .leaders()
      .find(({ region, epoch }) => region !== former.region && epoch > former.epoch);
    return found ?? null;
  });
}

/** Waits until so many more rows that need a leader are acknowledged. */
export async function rowsGoOn(tools: StoryTools, more: number): Promise<void> {
  const before = tools.client.ledger.counts().acknowledged;
  await until(tools, SETTLE_MS, `${more} more acknowledged writes`, () =>
    tools.client.ledger.counts().acknowledged >= before + more ? true : null,
  );
}

/** A document of whoever started the story, in every region. */
export async function makeDocument(
  tools: StoryTools,
  title: string,
  content: string,
  vantage: RegionId,
): Promise<string> {
  const { client, userId, runtime, regions } = tools;
  const made = await createDocument({ userId, vantage }, { title: `Fault lab: ${title}`, content });
  if (!made.ok) throw new StoryFailedError(made.message);
  const { id } = made.value;
  tools.keepDocument(id);
  client.includeDocument(id);
  tools.tell({ kind: "link", href: `/documents/${id}`, label: "Open the document" });
  await until(tools, SETTLE_MS, "the document in every region", async () => {
    const found = await Promise.all(
      regions.map((region) =>
        runtime()
          .clients.read(region, region)
          .document.findUnique({ where: { id }, select: { id: true } })
          .catch(() => null),
      ),
    );
    return found.every((row) => row !== null) ? true : null;
  });
  return id;
}

/** Types a line and tries again until a region has taken it. Returns which one. */
export async function typeUntilSaved(
  tools: StoryTools,
  typist: Typist,
  line: string,
): Promise<Extract<Typed, { kind: "saved" }>> {
  let next = line;
  let tries = 1;
  return until(tools, SETTLE_MS, "a region to take what is typed", async () => {
    const typed = await typist.type(next).catch(() => null);
    // What was not taken is kept by the editor, and sent with what is typed next.
    next = `${line} (sent again, ${++tries})`;
    if (typed?.kind !== "saved") return null;
    tools.client.takeTyped(typed);
    return typed;
  });
}

/** Ends all faults and looks for every acknowledged write once more, believing nothing of before. */
export async function verdict(tools: StoryTools): Promise<string> {
  const { client } = tools;
  await tools.healAll();
  await client.look();
  client.ledger.reopen();
  await until(tools, 60_000, "every acknowledged write in every region", async () => {
    const all = await client.look();
    const counted = client.counts();
    const left = counted.onTheWay + counted.unknown;
    tools.tell({ kind: "say", detail: `${left} of ${counted.acknowledged} still to be found` });
    return all && left === 0 ? true : null;
  });
  // A difference is known for one only when it outlives what made it.
  for (let looks = 0; looks < 2; looks++) await client.look();
  const counted = client.counts();
  if (violationsIn(counted) > 0) {
    const losses = client.ledger.lost.map((loss) => ` ${tellLoss(loss, tools.city)}`).join("");
    throw new StoryFailedError(
      `${counted.lost} lost, ${counted.staleReads} stale reads, ${counted.dualLeaders} moments with two leaders, ${counted.divergent} divergent.${losses}`,
    );
  }
  return `${counted.acknowledged} acknowledged writes, each in every region. ${counted.reads} reads, none stale without saying so. Never two leaders.`;
}
