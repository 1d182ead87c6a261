import { randomUUID } from "node:crypto";
import type pg from "pg";
import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { GlobalInventoryManager } from "@/lib/ecommerce/inventory";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { signal } from "@/scripts/local/process-tools";
import { judgeSale, type SaleVerdict } from "./judge-sale";
import { openPlanet } from "./planet-runtime";
import { seededRandom } from "./random";
import { until } from "./until";

export interface FlashSaleOptions {
  stock: number;
  clients: number;
  attempts: number;
  seed: number;
  /** Cuts links meanwhile. */
  faults: boolean;
  /** And kills a database. */
  kill: boolean;
  log: (line: string) => void;
}

export interface FlashSaleDrillResult extends SaleVerdict {
  seed: number;
  attempts: number;
  reserved: number;
  confirmed: number;
  soldOut: number;
  unavailable: number;
  /** Part of the reservations that needed no other region than the buyer's, from 0 to 1. */
  localShare: number;
  /** The same without buyers whose own region did not answer. */
  localShareOfUp: number;
  /** Of a reservation, from the buyer's region, in ms. */
  reserveMs: { p50: number; p99: number };
  cuts: number;
  kills: number;
  seconds: number;
}

const PRODUCT = "flash-sale";
/** A client thinks between two attempts, so that the sale outlasts some faults. */
const THINK_MS = 200;
const SETTLE_MS = 120_000;

/**
 * Buyers in every region, who reserve one unit each and buy every second one, while links are cut and healed
 * at random and one database is killed.
 */
export async function drillFlashSale(options: FlashSaleOptions): Promise<FlashSaleDrillResult> {
  const planet = new ChildPlanet(["--headless"]);
  let close: () => Promise<void> = async () => undefined;
  try {
    options.log("starting a planet");
    await planet.start();
    const opened = openPlanet(planet);
    const runtime = new Runtime(() => opened.topology);
    close = async () => {
      await runtime.close();
      await Promise.all(opened.regions.map(({ pool }) => pool.end()));
    };
    return await sell(planet, opened.regions, runtime, options);
  } finally {
    await close();
    await planet.stop();
  }
}

async function sell(
  planet: ChildPlanet,
  regions: readonly { id: RegionId; pool: pg.Pool }[],
  runtime: Runtime,
  { stock, clients, attempts, seed, faults, kill, log }: FlashSaleOptions,
): Promise<FlashSaleDrillResult> {
  const random = seededRandom(seed);
  const shop = new GlobalInventoryManager(() => runtime);
  await regions[0]!.pool.query(`INSERT INTO "Product" (id, name, stock) VALUES ($1, $1, $2)`, [
    PRODUCT,
    stock,
  ]);
  log("waiting until each region holds rights");
  await until("rights in every region", async () => {
    const seen = await Promise.all(regions.map(({ id }) => shop.getGlobalInventory(PRODUCT, id)));
    const enough = stock / (2 * regions.length) - 1;
    return seen.every((one) => regions.every(({ id }) => (one?.byRegion[id] ?? 0) >= enough));
  });

  const counts = { reserved: 0, local: 0, down: 0, confirmed: 0, soldOut: 0, unavailable: 0 };
  const tookMs: number[] = [];
  const startedMs = performance.now();
  let left = attempts;
  const client = async (n: number) => {
    const { id: region } = regions[n % regions.length]!;
    while (left > 0) {
      left -= 1;
      await systemSleep(random() * 2 * THINK_MS);
      const sentMs = performance.now();
      const key = randomUUID();
      const outcome = await shop.reserveInventory(PRODUCT, 1, `buyer-${n}`, region, {
        key,
        holdSeconds: 600,
      });
      if (outcome.kind !== "reserved") {
        counts[outcome.kind === "sold-out" ? "soldOut" : "unavailable"] += 1;
        continue;
      }
      tookMs.push(performance.now() - sentMs);
      counts.reserved += 1;
      if (outcome.reason === "nearest") counts.local += 1;
      if (outcome.reason === "redirected-down") counts.down += 1;
      if (counts.reserved % 2 === 0) continue;
      const { id, regionId } = outcome.reservation;
      const sold = await shop.confirmReservation(id, `buyer-${n}`, regionId, region, "region");
      if (sold.kind === "settled" && sold.reservation.status === "confirmed") counts.confirmed += 1;
    }
  };
  const selling = new AbortController();
  const faulty = faults
    ? inject(planet, regions, { random, kill, end: selling.signal, log })
    : Promise.resolve({ cuts: 0, kills: 0 });
  await Promise.all(Array.from({ length: clients }, (_, n) => client(n)));
  const seconds = (performance.now() - startedMs) / 1_000;
  selling.abort();
  const injected = await faulty;
  log("everything is healed; waiting until all regions have the same");
  const verdict = await judgeSale(
    regions.map(({ pool }) => pool),
    { product: PRODUCT, stock, waitMs: SETTLE_MS },
  );
  tookMs.sort((a, b) => a - b);
  const quantile = (part: number) =>
    Math.round(tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * part))] ?? 0);
  return {
    seed,
    attempts,
    reserved: counts.reserved,
    confirmed: counts.confirmed,
    soldOut: counts.soldOut,
    unavailable: counts.unavailable,
    localShare: share(counts.local, counts.reserved),
    localShareOfUp: share(counts.local, counts.reserved - counts.down),
    reserveMs: { p50: quantile(0.5), p99: quantile(0.99) },
    ...injected,
    seconds: Math.round(seconds * 10) / 10,
    ...verdict,
  };
}

/** Cuts one link between two regions after the other, for a while; the database of one region is killed once. */
async function inject(
  planet: ChildPlanet,
  regions: readonly { id: RegionId }[],
  {
    random,
    kill,
    end,
    log,
  }: {
    random: () => number;
    kill: boolean;
    end: AbortSignal;
    log: (line: string) => void;
  },
): Promise<{ cuts: number; kills: number }> {
  const injected = { cuts: 0, kills: 0 };
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  while (!end.aborted) {
    const from = pick(regions).id;
    const to = pick(regions.filter(({ id }) => id !== from)).id;
    await planet.control("POST", `/links/${from}/${to}`, { cut: "both" });
    injected.cuts += 1;
    log(`cut ${from} from ${to}`);
    if (kill && injected.cuts === 3) {
      const victim = pick(planet.cluster().regions);
      if (victim.pid) {
        signal(victim.pid, "SIGKILL");
        injected.kills += 1;
        log(`kill -9 of the database of ${victim.id}`);
      }
    }
    await systemSleep(500 + random() * 1_500, end);
    await planet.control("POST", `/links/${from}/${to}`, { heal: true });
    await systemSleep(200 + random() * 500, end);
  }
  await planet.control("POST", "/reset", {});
  return injected;
}

function share(part: number, of: number): number {
  return Math.round((1_000 * part) / Math.max(1, of)) / 1_000;
}
