import type { EntityType } from "@/lib/db/conflicts/entities";
import { MultiRegionDb } from "@/lib/db/multi-region-config";
import { isUnreachable, within } from "@/lib/db/regions/faults";
import { registeredRegions } from "@/lib/db/regions/registered";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { MeridianError } from "@/lib/errors";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { ask } from "./ask";
import { quorumSizes, type QuorumSizes } from "./quorum-sizes";

/** How long a region may take. */
const ANSWER_MS = 2_000;

export type QuorumAnswers<T> =
  /** `regions`: all there are. Both from near to far. */
  | {
      kind: "answered";
      answers: ReadonlyMap<RegionId, T>;
      sizes: QuorumSizes;
      regions: readonly RegionId[];
    }
  /** Fewer than R regions answered. */
  | { kind: "unavailable"; answered: RegionId[]; needed: number; detail: string };

class NotReadyError extends MeridianError {
  constructor(region: RegionId) {
    super("region-not-ready", `${region} is being brought up to date.`);
  }
}

/**
 * Asks R regions of a leaderless entity, the nearest ones, and others where one of these does not
 * answer. As W and R have a region in common, one of them has every write that was acknowledged before.
 * Primaries only: a replica may be behind what its primary has acknowledged. Throws errors of the
 * question that do not mean that a region cannot be reached.
 *
 * @param satisfied if R answers are not enough for it, all regions are asked
 */
export async function askQuorum<T extends { ready: boolean }>(
  runtime: Runtime,
  entityType: EntityType,
  vantage: RegionId,
  question: (db: PrismaClient) => Promise<T>,
  satisfied: (answers: ReadonlyMap<RegionId, T>) => boolean = () => true,
): Promise<QuorumAnswers<T>> {
  const { clients, state, topology } = runtime;
  const registered = await registeredRegions(runtime, vantage);
  const sizes = quorumSizes(runtime.policy(entityType), registered.size);
  const order = new MultiRegionDb(() => runtime, vantage)
    .regionsInOrder()
    .filter((region) => registered.has(region));
  const isQuorum = (answers: ReadonlyMap<RegionId, T>) => answers.size >= sizes.read;
  const { answers, failures } = await ask(
    order,
    async (region) => {
      const answer = await within(ANSWER_MS, question(clients.write(vantage, region)));
      if (!answer.ready) throw new NotReadyError(region);
      return answer;
    },
    {
      atFirst: sizes.read,
      enough: (answers) => isQuorum(answers) && satisfied(answers),
      more: isQuorum,
      hedgeMs: (region) => state.roundTripMs(vantage, region) + topology.quorumHedgeMs,
      isNoAnswer: (region, error) => {
        if (isUnreachable(error)) state.markDown(vantage, region);
        return isUnreachable(error) || error instanceof NotReadyError;
      },
    },
  );
  if (!isQuorum(answers)) {
    const answered = [...answers.keys()];
    return { kind: "unavailable", answered, needed: sizes.read, detail: failures.join("; ") };
  }
  const near = order.flatMap((region): [RegionId, T][] => {
    const answer = answers.get(region);
    return answer ? [[region, answer]] : [];
  });
  return { kind: "answered", answers: new Map(near), sizes, regions: order };
}
