import type { RegionId } from "@/lib/db/regions/region-id";
import { readDocument } from "@/lib/documents/read";
import { updateDocument } from "@/lib/documents/write";
import type { DocumentClock } from "@/lib/documents/types";
import { Typist } from "@/lib/lab/typist";
import { makeDocument, SETTLE_MS, settledLeader, typeUntilSaved, verdict } from "./shared-steps";
import { StoryFailedError, until, type Story, type StoryTools } from "./story";

const CONTENT = "Two people write here, and neither can hear the other.";

/** One document, written in two regions that hear nothing of each other. */
export const BOTH_SIDES: Story = {
  id: "both-sides",
  steps: () => {
    let here: RegionId;
    let there: RegionId;
    let documentId = "";
    let typists: Typist[] = [];
    let run = 0;
    const lineAt = (tools: StoryTools, region: RegionId) =>
      `Run ${run}, written in ${tools.city(region)}.`;
    return [
      {
        title: "A document is in every region",
        run: async (tools) => {
          [here, there] = farthestPair(tools);
          await settledLeader(tools);
          run = tools.client.nextRun();
          documentId = await makeDocument(tools, "edit on both sides of a cut", CONTENT, here);
          typists = [here, there].map(
            (vantage) => new Typist({ userId: tools.userId, vantage }, documentId, CONTENT),
          );
          return `It is written in ${tools.city(here)} and in ${tools.city(there)}.`;
        },
      },
      {
        title: "The link between the two regions is cut",
        run: async (tools) => {
          await tools.fault({ kind: "link", from: here, to: there, action: "cut" });
          return "Nothing gets through, either way; open connections hang.";
        },
      },
      {
        title: "Both sides write, and each is saved at once",
        run: async (tools) => {
          const saved = await Promise.all(
            typists.map((typist) => typeUntilSaved(tools, typist, lineAt(tools, typist.vantage))),
          );
          for (const [at, { regionId }] of saved.entries()) {
            if (regionId !== typists[at]!.vantage) {
              throw new StoryFailedError(`${tools.city(regionId)} took it.`);
            }
          }
          await Promise.all([here, there].map((side) => summarise(tools, documentId, side)));
          return "A line of text and a summary on each side.";
        },
      },
      {
        title: "Neither side has the other’s",
        run: async (tools) => {
          for (const [side, other] of [
            [here, there],
            [there, here],
          ] as const) {
            const text = await textIn(tools, documentId, side);
            if (!text.includes(lineAt(tools, side)))
              throw new StoryFailedError("A side lacks its own.");
            if (text.includes(lineAt(tools, other))) {
              throw new StoryFailedError("The cut let something through.");
            }
          }
          return "Each shows its own line alone.";
        },
      },
      {
        title: "The link heals, and both lines are in every region",
        run: async (tools) => {
          await tools.fault({ kind: "link", from: here, to: there, action: "heal" });
          const startedMs = performance.now();
          const lines = [here, there].map((side) => lineAt(tools, side));
          await until(tools, SETTLE_MS, "both lines in every region", async () => {
            const texts = await Promise.all(
              tools.regions.map((region) => textIn(tools, documentId, region)),
            );
            return texts.every((text) => lines.every((line) => text.includes(line))) ? true : null;
          });
          return `${Math.round(performance.now() - startedMs)} ms after the link healed.`;
        },
      },
      {
        title: "The two summaries are a conflict, kept for a person to decide",
        run: async (tools) => {
          const id = await until(tools, SETTLE_MS, "the conflict's record", () =>
            conflictOf(tools, documentId),
          );
          tools.tell({ kind: "link", href: `/admin/conflicts/${id}`, label: "Open the conflict" });
          return "Both are in the record, until somebody decides.";
        },
      },
      { title: "Nothing is missing, and all regions hold the same", run: verdict },
    ];
  },
};

function farthestPair({ runtime, regions }: StoryTools): [RegionId, RegionId] {
  const { topology } = runtime();
  const first = topology.regions.find(({ isPrimary }) => isPrimary)?.id ?? regions[0]!;
  const last = regions.filter((id) => id !== first).at(-1);
  if (last === undefined) throw new StoryFailedError("There is only one region.");
  return [first, last];
}

async function summarise(tools: StoryTools, documentId: string, vantage: RegionId): Promise<void> {
  const actor = { userId: tools.userId, vantage };
  const { value } = await readDocument(actor, documentId, "eventual");
  if (!value) throw new StoryFailedError("The document is not there.");
  const baseVersion: DocumentClock = value.document.clock;
  const summary = `As ${tools.city(vantage)} sees it`;
  const done = await updateDocument(actor, { documentId, summary, baseVersion });
  if (!done.ok) throw new StoryFailedError(done.message);
}

async function textIn(tools: StoryTools, documentId: string, vantage: RegionId): Promise<string> {
  const actor = { userId: tools.userId, vantage };
  const { value, receipt } = await readDocument(actor, documentId, "eventual");
  if (receipt.regionId !== vantage) throw new StoryFailedError("Another region answered.");
  return value?.document.content ?? "";
}

async function conflictOf(
  { runtime, regions }: StoryTools,
  entityId: string,
): Promise<string | null> {
  const found = await Promise.all(
    regions.map((region) =>
      runtime()
        .clients.read(region, region)
        .conflict.findFirst({
          where: { entityType: "Document", entityId, field: "summary", outcome: "open" },
          select: { id: true },
        }),
    ),
  );
  return found.every((row) => row !== null) ? (found[0]?.id ?? null) : null;
}
