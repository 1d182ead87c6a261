import type { RegionId } from "@/lib/db/regions/region-id";
import { within } from "@/lib/db/regions/faults";
import { writeRow } from "@/lib/db/writes/write-row";
import { createDocument } from "@/lib/documents/write";
import { openLoop } from "@/lib/open-loop";
import { DURABILITIES, type Durability } from "@/lib/policy-defaults";
import { insertOrFind } from "@/scripts/drill/drill-row";
import {
  CLIENT_WAIT_MS,
  detailOf,
  newName,
  stampOf,
  type World,
} from "@/scripts/drill/chaos/world";

export const SET_OWNER = "chaos-set";
export const ELEMENT = "element";

const EVERY_MS = 120;
const MAX_OPEN = 100;

/** Elements through the leader in each durability, and every third in the nearest region, from all regions in turn. */
export function addElements(world: World): Promise<void> {
  const { regions, signal } = world;
  const start = (turn: number) => {
    const vantage = regions[Math.floor(turn / 3) % regions.length]!;
    if (turn % 3 === 2) return addNearest(world, vantage);
    return addByLeader(world, vantage, DURABILITIES[turn % 3]!);
  };
  return openLoop({ everyMs: EVERY_MS, maxOpen: MAX_OPEN, start }, signal);
}

async function addByLeader(
  { history, runtime }: World,
  vantage: RegionId,
  durability: Durability,
): Promise<void> {
  const element = newName(ELEMENT);
  const called = history.invoke("set/add", vantage, { element, by: "leader", durability });
  try {
    const outcome = await writeRow("User", vantage, (db) => insertOrFind(db, element), {
      durability,
      waitMs: CLIENT_WAIT_MS,
      runtime,
    });
    if (outcome.kind === "refused") called.fail(outcome.detail);
    else if (outcome.kind === "indeterminate") called.info(outcome.detail);
    else if (outcome.confirmation.kind === "indeterminate")
      called.info(outcome.confirmation.detail);
    else called.ok(stampOf(outcome.value));
  } catch (error) {
    called.info(detailOf(error));
  }
}

async function addNearest({ history }: World, vantage: RegionId): Promise<void> {
  const element = newName(ELEMENT);
  const call = { element, by: "nearest", durability: "region" } as const;
  const called = history.invoke("set/add", vantage, call);
  try {
    const made = await within(
      CLIENT_WAIT_MS,
      createDocument({ userId: SET_OWNER, vantage }, { title: element, content: "" }),
    );
    if (made.ok) called.ok(stampOf(made.value));
    else called.info(made.message);
  } catch (error) {
    called.info(detailOf(error));
  }
}
