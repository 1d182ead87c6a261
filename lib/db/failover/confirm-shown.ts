import type { EntityType } from "@/lib/db/conflicts/entities";
import { regionOfActor, type RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { missingPositions, type Positions } from "@/lib/db/sessions/positions";
import { awaitQuorum } from "./durability";

/** Longest wait for others to have what a leader has shown, in ms. */
const CONFIRM_MS = 2_000;

/**
 * Waits until a quorum has what an answer of the leader may have shown: of a write that nobody else has yet, nobody was
 * told that it is written, and with the leader's loss it would be gone after it was seen. Asks nobody where
 * every region is known to have it. Null for entities whose writes need no quorum.
 */
export async function confirmShown(
  runtime: Runtime,
  vantage: RegionId,
  { of, region, shown }: { of: EntityType | undefined; region: RegionId; shown: Positions },
): Promise<"held" | "unconfirmed" | null> {
  if (of === undefined) return null;
  const { durability, topology } = runtime.policy(of);
  if (durability !== "quorum" || topology !== "single-leader") return null;
  const open = [...missingPositions(shown, runtime.state.floor(vantage))].filter(
    ([actor]) => regionOfActor(actor) === region,
  );
  const answers = await Promise.all(
    open.map(([origin, position]) =>
      awaitQuorum(
        vantage,
        { origin, position },
        { led: true, timeoutMs: CONFIRM_MS, runtime: () => runtime },
      ),
    ),
  );
  return answers.every(({ kind }) => kind === "held") ? "held" : "unconfirmed";
}
