import { createHash, randomUUID } from "node:crypto";
import type { Durability } from "@/lib/db/conflicts/policy";
import { MultiRegionDb, parseRegionId, type RegionId } from "@/lib/db/multi-region-config";
import { isUnreachable, sqlState, within } from "@/lib/db/regions/faults";
import { defaultRuntime, type Runtime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";
import { confirmWrite, type Confirmation } from "@/lib/db/writes/confirm-write";
import { repeatRolledBack } from "@/lib/db/writes/repeat-rolled-back";
import { errorMessage } from "@/lib/errors";
import { getLogger } from "@/lib/log";
import {
  findRights,
  insertReservation,
  listInventory,
  settleReservation,
  sumByRegion,
  toInventory,
  toReservation,
  type ReserveAnswer,
  type StoredReservation,
} from "./statements";
import {
  HOLD_SECONDS,
  MAX_QUANTITY,
  type GlobalInventory,
  type ReserveOutcome,
  type RowStamp,
  type SettleOutcome,
} from "./types";

const UNIQUE_VIOLATION = "23505";

/** A region that takes longer is passed over. It may have reserved: then that expires. */
const ANSWER_MS = 2_500;

export interface ReserveOptions {
  /** The buyer's own name for it. Asked for again under the same one, it is the same reservation. */
  key?: string;
  /** How long it holds unless it is confirmed. */
  holdSeconds?: number;
}

/**
 * A stock that every region sells from at the same time and that is never oversold. Each holds rights to so
 * many units (escrow) and sells from these without asking anybody, cut off or not; the workers move rights
 * to where they run low. See docs/INVENTORY.md.
 */
export class GlobalInventoryManager {
  constructor(private readonly runtime: () => Runtime = defaultRuntime) {}

  /**
   * Reserves units in a region, or where that one's rights do not suffice in the one that has most.
   *
   * @param regionId the buyer's; its database takes the reservation if it can
   * @throws RangeError for a quantity that is not whole, or not from 1 to 1,000, or a bad `holdSeconds`
   */
  async reserveInventory(
    productId: string,
    quantity: number,
    userId: string,
    regionId: RegionId,
    { key = randomUUID(), holdSeconds = HOLD_SECONDS.standard }: ReserveOptions = {},
  ): Promise<ReserveOutcome> {
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > MAX_QUANTITY) {
      throw new RangeError(`Not from 1 to ${MAX_QUANTITY}: ${quantity}`);
    }
    if (!(holdSeconds >= HOLD_SECONDS.min && holdSeconds <= HOLD_SECONDS.max)) {
      throw new RangeError(`Not from ${HOLD_SECONDS.min} to ${HOLD_SECONDS.max} s: ${holdSeconds}`);
    }
    const db = new MultiRegionDb(this.runtime, regionId);
    let unreachable: string | null = null;
    let elsewhere: "redirected-rights" | "redirected-down" = "redirected-rights";
    let known = false;
    for await (const region of this.regionsInTurn(db, productId, quantity)) {
      const input = {
        id: reservationId(userId, key, region),
        key,
        productId,
        quantity,
        userId,
        regionId: region,
        holdSeconds: Math.round(holdSeconds),
      };
      const reserve = () =>
        within(
          ANSWER_MS,
          repeatRolledBack(() => insertReservation(db.getWriteClient(region), input)),
        );
      let answer: ReserveAnswer;
      try {
        answer = await reserve().catch((error: unknown) => {
          // Another attempt of the same one was faster; it is found now.
          if (sqlState(error) === UNIQUE_VIOLATION) return reserve();
          throw error;
        });
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        unreachable = errorMessage(error);
        if (region === regionId) elsewhere = "redirected-down";
        this.runtime().state.markDown(regionId, region);
        getLogger("inventory").warn({ err: error, region }, "A region did not take a reservation.");
        continue;
      }
      known ||= answer.known;
      if (!answer.reservation) continue;
      const { stamp, reservation } = this.written(regionId, answer.reservation);
      const reason = region === regionId ? "nearest" : elsewhere;
      return { kind: "reserved", reservation, stamp, reason };
    }
    if (known) return { kind: "sold-out" };
    return unreachable === null
      ? { kind: "unknown-product" }
      : { kind: "unavailable", detail: unreachable };
  }

  /**
   * Sells what a reservation holds. Acknowledged once a majority of the regions have it, unless the
   * confirmation says otherwise: an order is delivered for it.
   *
   * @param regionId whose reservation it is
   * @param vantage from where that region is reached; by default this process's
   * @param durability "region" for a caller that waits for the others itself
   */
  async confirmReservation(
    reservationId: string,
    userId: string,
    regionId: RegionId,
    vantage: RegionId = this.runtime().topology.currentRegion,
    durability: Durability = "quorum",
  ): Promise<SettleOutcome & { confirmation?: Confirmation }> {
    const outcome = await this.settle(reservationId, userId, regionId, vantage, "confirmed");
    if (outcome.kind !== "settled" || outcome.reservation.status !== "confirmed") return outcome;
    const { id, origin, position } = outcome.stamp;
    const event = { entityType: "Reservation" as const, entityId: id, origin, position };
    const confirmation = await confirmWrite(vantage, event, {
      durability,
      runtime: this.runtime,
    });
    return { ...outcome, confirmation };
  }

  /** Gives back what a reservation holds. The other parameters are those of `confirmReservation`. */
  releaseReservation(
    reservationId: string,
    userId: string,
    regionId: RegionId,
    vantage: RegionId = this.runtime().topology.currentRegion,
  ): Promise<SettleOutcome> {
    return this.settle(reservationId, userId, regionId, vantage, "released");
  }

  /**
   * Stock, rights and reservations as one region knows them; null where it knows no such product.
   *
   * @param regionId by default this process's
   */
  async getGlobalInventory(
    productId: string,
    regionId: RegionId = this.runtime().topology.currentRegion,
  ): Promise<GlobalInventory | null> {
    const db = new MultiRegionDb(this.runtime, regionId).getReadClient(regionId);
    const [row] = await listInventory(db, productId);
    return row ? toInventory(row, regionIds(this.runtime().topology)) : null;
  }

  private async settle(
    id: string,
    userId: string,
    regionId: RegionId,
    vantage: RegionId,
    to: "confirmed" | "released",
  ): Promise<SettleOutcome> {
    const db = new MultiRegionDb(this.runtime, vantage).getWriteClient(regionId);
    try {
      const row = await within(
        ANSWER_MS,
        repeatRolledBack(() => settleReservation(db, id, userId, to)),
      );
      return row
        ? { kind: "settled", ...this.written(vantage, row) }
        : { kind: "unknown-reservation" };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      this.runtime().state.markDown(vantage, regionId);
      return { kind: "unavailable", regionId, detail: errorMessage(error) };
    }
  }

  private written(vantage: RegionId, row: StoredReservation) {
    const { id, origin, position } = row;
    const stamp: RowStamp = { id, origin, position };
    // Not waited for: the publisher finds it by itself.
    void this.runtime().wake(vantage, parseRegionId(row.regionId));
    return { stamp, reservation: toReservation(row) };
  }

  /**
   * The buyer's own region, then the others: those first that have the right to sell so many as far as is
   * known here, by how many. What is known may be out of date, so the rest follow.
   */
  private async *regionsInTurn(
    db: MultiRegionDb,
    productId: string,
    quantity: number,
  ): AsyncGenerator<RegionId> {
    yield db.vantage;
    const near = db.getReadClient(db.vantage);
    const seen = await within(ANSWER_MS, findRights(near, productId)).catch(() => null);
    // Sold out everywhere, as far as is known: asking each would make a crowd of those who come too late.
    if (seen && seen.stock < quantity) return;
    const byRegion = sumByRegion(seen?.rights ?? {});
    const rights = (id: RegionId) => byRegion[id] ?? 0;
    const others = db.regionsInOrder().filter((id) => id !== db.vantage);
    yield* others.sort((a, b) => rights(b) - rights(a));
  }
}

export const globalInventory = new GlobalInventoryManager();

/** No buyer can take, or find out, another's. */
function reservationId(userId: string, key: string, regionId: RegionId): string {
  return createHash("sha256")
    .update(JSON.stringify([userId, key, regionId]))
    .digest("base64url");
}
