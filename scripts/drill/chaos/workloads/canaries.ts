import { randomBytes } from "node:crypto";
import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { createDocument } from "@/lib/documents/write";
import {
  client,
  CLIENT_WAIT_MS,
  detailOf,
  pick,
  stampOf,
  type World,
} from "@/scripts/drill/chaos/world";

export const CANARY_OWNER = "chaos-canary";

/** The rules that the drill's application is configured with. */
export const PLACES: Readonly<Record<string, readonly RegionId[]>> = {
  us: ["us-east-1" as RegionId],
  eu: ["eu-west-1" as RegionId],
  pair: ["eu-west-1" as RegionId, "ap-southeast-1" as RegionId],
};

/** Each is looked for in every table and file of the regions where it must not be. */
const CANARIES = 10;

/** Documents with an unmistakable text that may be in some regions alone, made from all of them. */
export function releaseCanaries(world: World, minutes: number): Promise<void> {
  const { history, regions, random } = world;
  return client(world, Math.max(5_000, (minutes * 60_000) / CANARIES), async () => {
    const text = `canary-${randomBytes(9).toString("hex")}`;
    const residency = pick(Object.keys(PLACES), random);
    const vantage = pick(regions, random);
    const call = { text, regions: [...PLACES[residency]!] };
    const called = history.invoke("canary/write", vantage, call);
    try {
      const actor = { userId: CANARY_OWNER, vantage };
      const making = createDocument(actor, { title: text, content: text, residency });
      const made = await within(CLIENT_WAIT_MS, making);
      if (made.ok) called.ok(stampOf(made.value));
      else called.info(made.message);
    } catch (error) {
      called.info(detailOf(error));
    }
  });
}
