import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { Ledger } from "@/lib/ecommerce/ledger";
import { errorMessage } from "@/lib/errors";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { signal } from "@/scripts/local/process-tools";
import { judgeLedger, type BookedTransfer, type LedgerVerdict } from "./judge-ledger";
import { databasePid, openConnections, settledLeader, untilAnotherLeads } from "./leaders";
import { openPlanet, type DrillRegion } from "./planet-runtime";
import { seededRandom } from "./random";
import { until } from "./until";
import { longestGap, quantiles, type Acknowledged, type Quantiles } from "./write-gaps";

export interface LedgerDrillOptions {
  /** Transfers are begun for no longer than that, whether or not all kills have been made. */
  seconds: number;
  kills: number;
  /** Transfers begun in a second. */
  rate: number;
  seed: number;
  log: (line: string) => void;
}

export interface LedgerDrillResult extends LedgerVerdict {
  seed: number;
  kills: number;
  seconds: number;
  /** Transfers begun. */
  attempted: number;
  /** Those that a client was told are in the ledger of a majority. */
  acknowledged: number;
  /** Answers that it is not known. */
  indeterminate: number;
  /** Answers that no leader took it. */
  unavailable: number;
  /** Attempts after the first one of a transfer. */
  retried: number;
  /** Transfers whose retries had not settled them when the drill ended. */
  unsettled: number;
  /** Not begun on time, because too many were open. */
  heldBack: number;
  /** In any region. */
  twice: number;
  missing: number;
  /** Acknowledged in a second, kills included. */
  achievedPerSecond: number;
  /** The same of the seconds before the first kill. */
  steadyPerSecond: number;
  /** From the beginning of a transfer to its acknowledgement, its retries included. */
  tookMs: Quantiles;
  /** Longest time between two acknowledgements, around each kill. */
  gapMs: Quantiles;
}

const USER = "drill";
const ACCOUNTS = 20;
/** A third of the transfers is begun in each region, and the farthest leader is 220 ms away: 15 are under way. */
const CONNECTIONS = 24;
/** Some 200 connections rehearse a write each, one at a time: until then they are most of the load. */
const WARM_MS = 40_000;
const STEADY_MS = 10_000;
const ROUND_MS = 60_000;
const SETTLE_MS = 120_000;
const WORK_OFF_MS = 30_000;
/**
 * Between an answer that settles nothing and the retry: twice as long each time, spread. Retries at a fixed pace are
 * more than the transfers themselves after a few seconds without a leader, and then keep it from coming back.
 */
const RETRY_MS = { first: 100, most: 3_200 };
/** Of one attempt. */
const CLIENT_WAIT_MS = 5_000;
/** Ten seconds' worth of the usual rate. */
const MAX_OPEN = 2_000;

/** Transfers at a steady rate from every region, each retried by its key, while the leader's database is killed. */
export async function drillLedger(options: LedgerDrillOptions): Promise<LedgerDrillResult> {
  const planet = new ChildPlanet(["--headless"]);
  let close: () => Promise<void> = async () => undefined;
  try {
    options.log("starting a planet");
    await planet.start();
    const { regions, topology } = openPlanet(planet, { connections: CONNECTIONS });
    const runtime = new Runtime(() => topology);
    close = async () => {
      await runtime.close();
      await Promise.all(regions.map(({ pool }) => pool.end()));
    };
    options.log("opening connections");
    await openConnections(regions, runtime);
    await systemSleep(WARM_MS);
    return await new LedgerDrill(planet, regions, new Ledger(() => runtime), options).run();
  } finally {
    await close();
    await planet.stop();
  }
}

class LedgerDrill {
  private readonly book: BookedTransfer[] = [];
  private readonly acknowledged: Acknowledged[] = [];
  private readonly tookMs: number[] = [];
  private readonly open = new Set<Promise<void>>();
  private readonly ended = new AbortController();
  private readonly counts = { indeterminate: 0, unavailable: 0, retried: 0, heldBack: 0 };
  private giveUpAtMs = Infinity;

  constructor(
    private readonly planet: ChildPlanet,
    private readonly regions: readonly DrillRegion[],
    private readonly ledger: Ledger,
    private readonly options: LedgerDrillOptions,
  ) {}

  async run(): Promise<LedgerDrillResult> {
    const { seconds, seed, log } = this.options;
    const startMs = performance.now();
    const sending = this.send(startMs + seconds * 1_000);
    const gaps: number[] = [];
    let steadyMs = 0;
    let steady = 0;
    try {
      await systemSleep(STEADY_MS, this.ended.signal);
      steadyMs = performance.now() - startMs;
      steady = this.acknowledged.length;
      log(`${steady} acknowledged in ${Math.round(steadyMs)} ms`);
      while (gaps.length < this.options.kills && !this.ended.signal.aborted) {
        gaps.push(await this.kill(gaps.length + 1));
      }
    } finally {
      this.ended.abort();
      await sending;
    }
    const sentMs = performance.now() - startMs;
    this.giveUpAtMs = performance.now() + ROUND_MS;
    log(`${this.open.size} open; waiting for them`);
    await Promise.all(this.open);
    log("waiting until all regions have the same");
    const verdict = await judgeLedger(this.regions, {
      userId: USER,
      book: this.book,
      waitMs: SETTLE_MS,
    });
    const worst = (of: "twice" | "missing") =>
      Math.max(...Object.values(verdict.regions).map((books) => books[of]));
    const perSecond = (count: number, ms: number) => Math.round((10_000 * count) / ms) / 10;
    return {
      seed,
      kills: gaps.length,
      seconds: Math.round(sentMs / 100) / 10,
      attempted: this.book.length,
      acknowledged: this.acknowledged.length,
      ...this.counts,
      unsettled: this.book.filter((transfer) => !transfer.acknowledged).length,
      twice: worst("twice"),
      missing: worst("missing"),
      achievedPerSecond: perSecond(this.acknowledged.length, sentMs),
      steadyPerSecond: perSecond(steady, steadyMs),
      tookMs: quantiles(this.tookMs),
      gapMs: quantiles(gaps),
      ...verdict,
    };
  }

  /** Returns the gap between two acknowledgements, in ms. */
  private async kill(round: number): Promise<number> {
    const leader = await settledLeader(this.regions, ROUND_MS);
    const startMs = performance.now();
    signal(databasePid(this.planet, leader.id), "SIGKILL");
    await untilAnotherLeads(this.regions, leader, ROUND_MS);
    const seenMs = performance.now();
    const goesOn = async () => (this.acknowledged.at(-1)?.atMs ?? 0) > seenMs;
    await until("transfers", goesOn, { timeoutMs: ROUND_MS });
    await this.workOff();
    const gapMs = longestGap(this.acknowledged, startMs, performance.now());
    const { indeterminate, unavailable } = this.counts;
    this.options.log(
      `kill ${round}, of ${leader.id}: gap ${Math.round(gapMs)} ms; ${this.acknowledged.length} acknowledged, ` +
        `${this.open.size} open, ${indeterminate} indeterminate and ${unavailable} unavailable so far`,
    );
    return gapMs;
  }

  /** Until no more are open than are begun in two seconds: the next kill is of a ledger that works, not of a queue. */
  private async workOff(): Promise<void> {
    const endMs = performance.now() + WORK_OFF_MS;
    do await systemSleep(1_000, this.ended.signal);
    while (
      this.open.size > 2 * this.options.rate &&
      performance.now() < endMs &&
      !this.ended.signal.aborted
    );
  }

  /** By the clock, whether or not earlier ones have been answered. */
  private async send(untilMs: number): Promise<void> {
    const random = seededRandom(this.options.seed);
    const account = () => Math.floor(random() * ACCOUNTS);
    const startMs = performance.now();
    for (let due = 0; !this.ended.signal.aborted && performance.now() < untilMs;) {
      const wanted = ((performance.now() - startMs) * this.options.rate) / 1_000;
      for (; due < wanted; due++) {
        if (this.open.size >= MAX_OPEN) {
          this.counts.heldBack += 1;
          continue;
        }
        const [debit, step] = [account(), account()];
        const transfer: BookedTransfer = {
          key: `transfer-${due}`,
          debit: `account-${debit}`,
          credit: `account-${(debit + 1 + (step % (ACCOUNTS - 1))) % ACCOUNTS}`,
          amountMinor: 1 + Math.floor(random() * 10_000),
          acknowledged: false,
        };
        this.book.push(transfer);
        const settled = this.settle(transfer, due).finally(() => this.open.delete(settled));
        this.open.add(settled);
      }
      await systemSleep(5, this.ended.signal);
    }
    this.ended.abort();
  }

  /** Asks under one key until it is told, from another region each time: its client may have moved. */
  private async settle(transfer: BookedTransfer, n: number): Promise<void> {
    const { key, debit, credit, amountMinor } = transfer;
    const startMs = performance.now();
    for (let attempt = 0; performance.now() < this.giveUpAtMs; attempt++) {
      if (attempt > 0) this.counts.retried += 1;
      const vantage = this.regions[(n + attempt) % this.regions.length]!.id;
      const outcome = await this.ledger
        .post(
          vantage,
          {
            userId: USER,
            key,
            debitAccount: debit,
            creditAccount: credit,
            amountMinor,
            orderId: null,
          },
          { waitMs: CLIENT_WAIT_MS },
        )
        // What a page would answer with an error: nothing is known either.
        .catch((error: unknown) => ({ kind: "failed" as const, detail: errorMessage(error) }));
      switch (outcome.kind) {
        case "posted":
          transfer.acknowledged = true;
          this.note(key, outcome.place.regionId, startMs);
          return;
        case "key-reused":
          throw new Error(`${key} names another transfer`);
        case "unavailable":
          this.counts.unavailable += 1;
          break;
        case "failed":
          this.options.log(`${key}: ${outcome.detail}`);
          this.counts.indeterminate += 1;
          break;
        case "indeterminate":
          this.counts.indeterminate += 1;
          break;
        default:
          outcome satisfies never;
      }
      const pauseMs = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** attempt);
      await systemSleep(pauseMs * (0.5 + Math.random()));
    }
  }

  private note(id: string, regionId: RegionId, startMs: number): void {
    const atMs = performance.now();
    this.acknowledged.push({ id, regionId, durability: "quorum", atMs });
    this.tookMs.push(atMs - startMs);
  }
}
