import type { RegionId } from "@/lib/db/regions/region-id";
import { missingPositions, type Positions } from "@/lib/db/sessions/positions";

/** A write that the application acknowledged. */
export interface AcknowledgedWrite {
  /** Of the row; of a line, the line itself. */
  id: string;
  kind: "row" | "line";
  /** A region that has applied all of these has the write. */
  needs: Positions;
}

/** A write that some regions lack although they have applied it. */
export interface LostWrite {
  id: string;
  kind: AcknowledgedWrite["kind"];
  missingIn: RegionId[];
}

export function tellLoss(
  { id, kind, missingIn }: LostWrite,
  city: (id: RegionId) => string,
): string {
  return `An acknowledged ${kind} is gone from ${missingIn.map(city).join(", ")}: ${id}`;
}

/** What a region says of writes that it was asked for. */
export interface RegionAnswer {
  /** Read before the rows: a row that is covered and not in them is not there. */
  applied: Positions;
  /** Ids of the writes that were found, or are parked as dead letters and so not lost. */
  found: ReadonlySet<string>;
  /** Of these: parked. */
  parked: ReadonlySet<string>;
  /** Digest of the version of each row and document that was found. */
  versions: ReadonlyMap<string, string>;
  /** Read after the rows: what made the versions is at or below it. */
  shown: Positions;
}

/** Null for a region that could not be asked. */
export type Answers = ReadonlyMap<RegionId, RegionAnswer | null>;

export type Fate = "everywhere" | "on-the-way" | "unknown" | "lost";

/** What has become of one write, as far as these answers and earlier ones tell. Pure. */
export function fateOf(
  write: AcknowledgedWrite,
  answers: Answers,
  seenIn: ReadonlySet<RegionId>,
): Fate {
  let missing = false;
  let silent = false;
  for (const [region, answer] of answers) {
    if (answer === null) {
      if (!seenIn.has(region)) silent = true;
    } else if (!answer.found.has(write.id)) {
      if (covers(answer, write)) return "lost";
      missing = true;
    } else if (answer.parked.has(write.id)) {
      missing = true;
    }
  }
  if (missing) return "on-the-way";
  return silent ? "unknown" : "everywhere";
}

function covers({ applied }: RegionAnswer, { needs }: AcknowledgedWrite): boolean {
  return missingPositions(needs, applied).size === 0;
}

function missingIn(write: AcknowledgedWrite, answers: Answers): RegionId[] {
  return [...answers]
    .filter(([, answer]) => answer && !answer.found.has(write.id) && covers(answer, write))
    .map(([region]) => region);
}

/** Whether every region was asked just now, and all have the same version; a line has none. */
function agree(id: string, answers: Answers): boolean {
  const versions = new Set<string | undefined>();
  for (const answer of answers.values()) {
    if (answer === null) return false;
    versions.add(answer.versions.get(id));
  }
  return versions.size === 1;
}

interface Entry {
  write: AcknowledgedWrite;
  fate: Fate;
  seenIn: Set<RegionId>;
}

/** Every acknowledged write, and where it was found. A write that was lost once stays so. */
export class Ledger {
  private readonly entries = new Map<string, Entry>();
  private readonly open = new Set<string>();
  private readonly gone: LostWrite[] = [];

  acknowledge(write: AcknowledgedWrite): void {
    if (this.entries.has(write.id)) return;
    this.entries.set(write.id, { write, fate: "on-the-way", seenIn: new Set() });
    this.open.add(write.id);
  }

  /** Oldest first: what has not been found everywhere, in one version, yet. */
  unsettled(limit: number): AcknowledgedWrite[] {
    const ids = [...this.open].slice(0, limit);
    return ids.map((id) => this.entries.get(id)!.write);
  }

  get lost(): readonly LostWrite[] {
    return this.gone;
  }

  /** Takes what regions answered about these writes. Returns those that are newly lost. */
  judge(writes: readonly AcknowledgedWrite[], answers: Answers): LostWrite[] {
    const lost: LostWrite[] = [];
    for (const { id, kind } of writes) {
      const entry = this.entries.get(id);
      if (!entry) continue;
      const fate = fateOf(entry.write, answers, entry.seenIn);
      for (const [region, answer] of answers) {
        if (answer?.found.has(id) && !answer.parked.has(id)) entry.seenIn.add(region);
      }
      if (entry.fate === "lost") continue;
      entry.fate = fate;
      if (fate === "lost") lost.push({ id, kind, missingIn: missingIn(entry.write, answers) });
      if (fate === "lost" || (fate === "everywhere" && agree(id, answers))) this.open.delete(id);
    }
    this.gone.push(...lost);
    return lost;
  }

  /** Believes nothing of what was found before, so that the next looks are about all writes again. */
  reopen(): void {
    for (const [id, entry] of this.entries) {
      if (entry.fate === "lost") continue;
      entry.seenIn.clear();
      entry.fate = "on-the-way";
      this.open.add(id);
    }
  }

  counts(): Record<Fate, number> & { acknowledged: number } {
    const counts = { everywhere: 0, "on-the-way": 0, unknown: 0, lost: 0 };
    for (const { fate } of this.entries.values()) counts[fate] += 1;
    return { ...counts, acknowledged: this.entries.size };
  }
}
