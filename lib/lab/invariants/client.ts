import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { regionIds } from "@/lib/db/regions/topology";
import { readDocument } from "@/lib/documents/read";
import { createDocument } from "@/lib/documents/write";
import type { Invariants } from "@/lib/lab/lab-shape";
import { Typist, type Typed } from "@/lib/lab/typist";
import { DivergenceWatch } from "./divergence";
import { LeaderWatch, type LeaderNews } from "./leader-watch";
import { Ledger, tellLoss } from "./ledger";
import { askRegion, askWhetherLeading } from "./probe";
import { readBack, writeRows, type ReadOutcome, type WriteOutcome } from "./writer";

/** Owns the documents that nobody but this client writes. No account has this id. */
export const LAB_USER = "fault-lab";

/** With three regions: ten rows and three lines a second. */
const ROW_EVERY_MS = 100;
const LINE_EVERY_MS = 1_000;

/** One in so many acknowledged rows is read back in another region; each line is. */
const READ_BACK_EVERY = 4;

const LOOK_EVERY_MS = 700;

/** Of one look. What is older comes first, so that nothing waits for ever. */
const MAX_ASKED = 1_000;

const FIRST_LINE = "What the fault lab writes while its load is on.";

export interface InvariantClientOptions {
  runtime: () => Runtime;
  city: (region: RegionId) => string;
  onLeaderNews: (news: LeaderNews) => void;
  onViolation: (text: string) => void;
}

/**
 * A client of the application that writes and reads in every region, and looks past the application into
 * the databases for what was acknowledged. It counts; it decides nothing and repairs nothing.
 */
export class InvariantClient {
  readonly ledger = new Ledger();
  readonly watch: LeaderWatch;
  private readonly regions: readonly RegionId[];
  private readonly divergence = new DivergenceWatch();
  private readonly documents = new Set<string>();
  private readonly reads = { fresh: 0, "told-stale": 0, stale: 0, unanswered: 0 };
  private refused = 0;
  private indeterminate = 0;
  private checkedAt: string | null = null;
  private runs = 0;
  private rows = 0;
  private looking: Promise<boolean> | null = null;

  constructor(private readonly options: InvariantClientOptions) {
    const { runtime, onLeaderNews, onViolation, city } = options;
    this.regions = regionIds(runtime().topology);
    this.watch = new LeaderWatch({
      regions: this.regions,
      ask: (region) => askWhetherLeading(runtime().clients.read(region, region)),
      onNews: (news) => {
        if (news.kind === "dual") {
          onViolation(`${city(news.region)} led epoch ${news.epoch} after epoch ${news.newest}`);
        } else onLeaderNews(news);
      },
    });
  }

  /** Watches leaders and looks for what was written, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.watch.run(signal), this.keepLooking(signal)]);
  }

  /** Writes until the signal aborts, and returns once nothing is under way any more. */
  async load(signal: AbortSignal): Promise<void> {
    const { runtime } = this.options;
    const rows = writeRows(
      {
        runtime,
        regions: this.regions,
        everyMs: ROW_EVERY_MS,
        onOutcome: (outcome, vantage) => this.takeRow(outcome, vantage),
      },
      signal,
    );
    await Promise.all([rows, this.writeLines(signal)]);
  }

  /** Tells lines of one run from those of another. */
  nextRun(): number {
    return ++this.runs;
  }

  /** From now on its lines are looked for, and its versions compared. */
  includeDocument(id: string): void {
    this.documents.add(id);
  }

  takeTyped(typed: Typed): void {
    if (typed.kind === "unsaved") {
      this.refused += 1;
      return;
    }
    const { lines, needs } = typed;
    for (const id of lines) this.ledger.acknowledge({ id, kind: "line", needs });
  }

  /** Reads the line's document elsewhere, by the session that wrote the line. */
  async readLineBack(typist: Typist, line: string, vantage: RegionId): Promise<void> {
    const read = await readDocument({ ...typist.session, vantage }, typist.documentId).catch(
      () => null,
    );
    if (read === null) return this.takeRead("unanswered", vantage);
    const shows = read.value?.document.content.includes(line) ?? false;
    const { stale } = read.receipt;
    this.takeRead(shows ? "fresh" : stale ? "told-stale" : "stale", vantage);
  }

  /** One look into every region now. Whether all of them could be asked. */
  look(): Promise<boolean> {
    this.looking ??= this.lookNow().finally(() => (this.looking = null));
    return this.looking;
  }

  counts(): Invariants {
    const { acknowledged, everywhere, lost, unknown, ...counts } = this.ledger.counts();
    const { reads } = this;
    return {
      acknowledged,
      everywhere,
      onTheWay: counts["on-the-way"],
      unknown,
      lost,
      refused: this.refused,
      indeterminate: this.indeterminate,
      reads: reads.fresh + reads["told-stale"] + reads.stale + reads.unanswered,
      staleReads: reads.stale,
      toldStale: reads["told-stale"],
      unansweredReads: reads.unanswered,
      dualLeaders: this.watch.dualLeaders,
      leaders: this.watch
        .leaders()
        .map(({ region, epoch }) => ({ regionId: region, epoch: `${epoch}` })),
      silent: this.regions.filter((region) => this.watch.of(region).kind === "unknown"),
      divergent: this.divergence.count,
      checkedAt: this.checkedAt,
    };
  }

  private async keepLooking(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      await systemSleep(LOOK_EVERY_MS, signal);
    }
  }

  private async lookNow(): Promise<boolean> {
    const { clients } = this.options.runtime();
    const writes = this.ledger.unsettled(MAX_ASKED);
    const documents = [...this.documents];
    if (writes.length === 0 && documents.length === 0) return true;
    const answers = new Map(
      await Promise.all(
        this.regions.map(
          async (region) =>
            [region, await askRegion(clients.read(region, region), writes, documents)] as const,
        ),
      ),
    );
    for (const loss of this.ledger.judge(writes, answers)) {
      this.options.onViolation(tellLoss(loss, this.options.city));
    }
    for (const id of this.divergence.look(answers)) {
      this.options.onViolation(`Regions hold different versions of ${id}`);
    }
    const all = [...answers.values()].every((answer) => answer !== null);
    if (all) this.checkedAt = new Date().toISOString();
    return all;
  }

  private takeRow(outcome: WriteOutcome, vantage: RegionId): void {
    switch (outcome.kind) {
      case "acknowledged": {
        this.ledger.acknowledge(outcome.write);
        if (this.rows++ % READ_BACK_EVERY > 0) return;
        const elsewhere = this.otherThan(vantage, this.rows);
        void readBack(this.options.runtime, elsewhere, outcome.write).then((read) =>
          this.takeRead(read, elsewhere),
        );
        return;
      }
      case "refused":
        this.refused += 1;
        return;
      case "indeterminate":
        this.indeterminate += 1;
        return;
      default:
        outcome satisfies never;
    }
  }

  private takeRead(outcome: ReadOutcome, vantage: RegionId): void {
    this.reads[outcome] += 1;
    if (outcome !== "stale") return;
    this.options.onViolation(`A session at ${this.options.city(vantage)} did not see its write`);
  }

  private otherThan(region: RegionId, turn: number): RegionId {
    const others = this.regions.filter((id) => id !== region);
    return others[turn % others.length] ?? region;
  }

  /** One document, and in every region somebody who types a line into it each second. */
  private async writeLines(signal: AbortSignal): Promise<void> {
    const run = this.nextRun();
    const title = `Fault lab, run ${run}`;
    const made = await createDocument(
      { userId: LAB_USER, vantage: this.regions[0]! },
      { title, content: FIRST_LINE },
    );
    if (!made.ok) {
      this.refused += 1;
      return;
    }
    const { id } = made.value;
    this.includeDocument(id);
    const session = { kind: "valid" as const, positions: made.open };
    await Promise.all(
      this.regions.map((vantage, at) =>
        this.typeLines(
          new Typist({ userId: LAB_USER, vantage, token: session }, id, FIRST_LINE),
          `Run ${run}, ${this.options.city(vantage)}`,
          at,
          signal,
        ),
      ),
    );
  }

  private async typeLines(
    typist: Typist,
    name: string,
    turn: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (let number = 1; !signal.aborted; number++) {
      const line = `${name}, line ${number}.`;
      const typed = await typist.type(line).catch(() => null);
      if (typed === null) this.indeterminate += 1;
      else this.takeTyped(typed);
      if (typed?.kind === "saved") {
        await this.readLineBack(typist, line, this.otherThan(typist.vantage, turn + number));
      }
      await systemSleep(LINE_EVERY_MS, signal);
    }
  }
}
