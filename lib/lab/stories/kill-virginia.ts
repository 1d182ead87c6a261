import type { RegionId } from "@/lib/db/regions/region-id";
import { Typist } from "@/lib/lab/typist";
import {
  anotherLeads,
  letLead,
  makeDocument,
  rowsGoOn,
  typeUntilSaved,
  verdict,
} from "./shared-steps";
import { StoryFailedError, type Story, type StoryTools } from "./story";

const CONTENT = "Somebody types here while the region beside them dies.";

/** The leading region's database is killed while one types there, and others write what needs a leader. */
export const KILL_VIRGINIA: Story = {
  id: "kill-virginia",
  steps: () => {
    let virginia: RegionId;
    let typist: Typist;
    let killed: { region: RegionId; epoch: bigint };
    let killedAtMs = 0;
    let run = 0;
    const line = (number: number) => `Run ${run}, typed line ${number}.`;
    return [
      {
        title: "Virginia leads",
        run: async (tools) => {
          virginia = primary(tools);
          const epoch = await letLead(tools, virginia);
          killed = { region: virginia, epoch };
          return `${tools.city(virginia)} leads epoch ${epoch}.`;
        },
      },
      {
        title:
          "Somebody types a document in Virginia, and clients everywhere write what needs a leader",
        run: async (tools) => {
          run = tools.client.nextRun();
          const id = await makeDocument(tools, "kill Virginia while you type", CONTENT, virginia);
          typist = new Typist({ userId: tools.userId, vantage: virginia }, id, CONTENT);
          for (let number = 1; number <= 3; number++) {
            await typeUntilSaved(tools, typist, line(number));
          }
          await rowsGoOn(tools, 10);
          return "Three lines are saved in Virginia; ten more rows were acknowledged.";
        },
      },
      {
        title: "Virginia’s database is killed",
        run: async (tools) => {
          const now = tools.client.watch.of(virginia);
          if (now.kind === "leads") killed = { region: virginia, epoch: now.epoch };
          killedAtMs = performance.now();
          await tools.fault({ kind: "database", region: virginia, action: "keep-down" });
          return "kill -9, and nobody starts it again yet.";
        },
      },
      {
        title: "What is typed is saved elsewhere",
        run: async (tools) => {
          const saved = await typeUntilSaved(tools, typist, line(4));
          if (saved.regionId === virginia) throw new StoryFailedError("Virginia took it.");
          const ms = Math.round(performance.now() - killedAtMs);
          return `${tools.city(saved.regionId)} saved it ${ms} ms after the kill.`;
        },
      },
      {
        title: "Another region leads",
        run: async (tools) => {
          const { region, epoch } = await anotherLeads(tools, killed);
          const ms = Math.round(performance.now() - killedAtMs);
          return `${tools.city(region)} leads epoch ${epoch}, ${ms} ms after the kill.`;
        },
      },
      {
        title: "Writes that need a leader go on",
        run: async (tools) => {
          await rowsGoOn(tools, 20);
          await typeUntilSaved(tools, typist, line(5));
          return "Twenty more were acknowledged without Virginia.";
        },
      },
      {
        title: "Virginia comes back and catches up, and nothing is missing",
        run: verdict,
      },
    ];
  },
};

/** The region that leads by configuration, which the story is named after. */
function primary({ runtime }: StoryTools): RegionId {
  const { regions } = runtime().topology;
  return (regions.find(({ isPrimary }) => isPrimary) ?? regions[0]!).id;
}
