import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/multi-region-config";
import { isUnreachable, sqlState, within } from "@/lib/db/regions/faults";
import { regionOfActor, type Actor } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";
import { getLogger } from "@/lib/log";
import type { Service } from "@/lib/service";
import type { RightsByActor } from "./statements";

/** A region asks for more once it has less than this part of an equal share. */
const LOW = 0.5;

/** Products that are looked after in one round. */
const MAX_PRODUCTS = 50;

const ANSWER_MS = 2_500;

/** How long a region that did not answer is not asked. */
const SILENT_MS = 2_000;

interface LowProduct {
  id: string;
  me: Actor;
  rights: RightsByActor;
}

/** Rights that were given and are on their way. */
interface Given {
  actor: Actor;
  position: bigint;
}

/**
 * Moves rights to sell to a region that runs low. It asks the region that has most for half of what that has
 * more; the giver's database writes it down, and the rights come by replication like any write. An answer
 * that is lost loses nothing: rights move or stay, and nobody makes any.
 */
export class RightsBalancer implements Service {
  readonly name: string;
  private readonly stopping = new AbortController();
  private readonly onTheWay = new Map<string, Given>();
  private readonly silentUntilMs = new Map<string, number>();

  constructor(
    private readonly region: RegionId,
    private readonly runtime: () => Runtime,
    private readonly intervalMs = 250,
  ) {
    this.name = `rights balancer of ${region}`;
  }

  async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.balance().catch((err: unknown) => {
        getLogger("inventory").debug({ err, region: this.region }, "rights not balanced");
      });
      await systemSleep(this.intervalMs, signal);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
  }

  /** Asks once for each product that runs low. Number of units that were given. */
  async balance(): Promise<number> {
    await this.forgetWhatArrived();
    let units = 0;
    for (const product of await this.runningLow()) {
      if (this.stopping.signal.aborted) break;
      if (!this.onTheWay.has(product.id)) units += await this.askFor(product);
    }
    return units;
  }

  /** By what this region knows: its own rights are exact, of the others' some may have been sold since. */
  private runningLow(): Promise<LowProduct[]> {
    const { clients, topology } = this.runtime();
    const share = LOW / regionIds(topology).length;
    return clients.write(this.region, this.region).$queryRaw<LowProduct[]>`
      SELECT "id", "me", "rights" FROM (
        SELECT p."id", p."stock", mr.local_actor() AS "me",
          mr.rights_by_actor(p."merge", 'stock', p."stock", p."origin") AS "rights"
        FROM "Product" p WHERE p."deletedAt" IS NULL AND p."stock" > 0
      ) held
      WHERE coalesce(("rights" ->> "me")::numeric, 0) < "stock" * ${share}::float8
      ORDER BY "id" LIMIT ${MAX_PRODUCTS}`;
  }

  private async askFor({ id, me, rights }: LowProduct): Promise<number> {
    const ids = regionIds(this.runtime().topology);
    const givers = Object.entries(rights)
      .map(([actor, held]) => ({ region: regionOfActor(actor as Actor), held }))
      .filter(({ region, held }) => held > 0 && region !== this.region)
      .sort((a, b) => b.held - a.held)
      .map(({ region }) => ids.find((known) => known === region))
      .filter((region) => region !== undefined);
    const nowMs = performance.now();
    const giver = givers.find((region) => (this.silentUntilMs.get(region) ?? 0) <= nowMs);
    if (giver === undefined) return 0;
    try {
      const given = await within(ANSWER_MS, this.transfer(giver, id, me, rights[me] ?? 0));
      if (!given) return 0;
      this.onTheWay.set(id, { actor: given.actor, position: given.position });
      return given.amount;
    } catch (error) {
      // It sold them meanwhile.
      if (sqlState(error) === "MR005") return 0;
      if (!isUnreachable(error)) throw error;
      this.silentUntilMs.set(giver, nowMs + SILENT_MS);
      return 0;
    }
  }

  /** Written by the giver's database, by what it holds at that moment. Null where it is no more than here. */
  private async transfer(giver: RegionId, id: string, to: Actor, mine: number) {
    const db = this.runtime().clients.write(this.region, giver);
    const rows = await db.$queryRaw<{ actor: Actor; position: bigint; amount: number }[]>`
      WITH held AS (
        SELECT "id", floor((coalesce((mr.rights_by_actor("merge", 'stock', "stock", "origin")
            ->> mr.local_actor())::numeric, 0) - ${mine}::integer) / 2)::integer AS "amount"
        FROM "Product" WHERE "id" = ${id}::text AND "deletedAt" IS NULL FOR UPDATE
      )
      UPDATE "Product" p SET "merge" = jsonb_build_object('$transfer', jsonb_build_object(
        'field', 'stock', 'to', ${to}::text, 'amount', h."amount"))
      FROM held h WHERE p."id" = h."id" AND h."amount" > 0
      RETURNING p."origin" AS "actor", p."position", h."amount"`;
    return rows[0] ?? null;
  }

  private async forgetWhatArrived(): Promise<void> {
    if (this.onTheWay.size === 0) return;
    const db = this.runtime().clients.write(this.region, this.region);
    const cursors = await db.$queryRaw<{ actor: string; position: bigint }[]>`
      SELECT actor, position FROM mr.cursor`;
    const applied = new Map(cursors.map(({ actor, position }) => [actor, position]));
    for (const [id, { actor, position }] of this.onTheWay) {
      // An actor without a cursor has been replaced: what it gave came with its successor, or is lost with it.
      const at = applied.get(actor);
      if (at === undefined || at >= position) this.onTheWay.delete(id);
    }
  }
}
