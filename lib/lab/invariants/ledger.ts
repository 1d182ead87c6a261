import { isActor, type RegionId } from "@/lib/db/regions/region-id";
import { toPosition, type Positions } from "@/lib/db/sessions/positions";

/** A write that the application acknowledged. */
export interface AcknowledgedWrite {
  /** Of the row; of a line, the line itself. */
  id: string;
  kind: "row" | "line";
  origin: string;
  position: bigint;
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
      if (covers(answer.applied, write)) return "lost";
      missing = true;
    } else if (answer.parked.has(write.id)) {
      missing = true;
    }
  }
  if (missing) return "on-the-way";
  return silent ? "unknown" : "everywhere";
}

function covers(applied: Positions, { origin, position }: AcknowledgedWrite): boolean {
  if (!isActor(origin)) return false;
  return (applied.get(origin) ?? toPosition(0n)) >= position;
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

  /** Takes what regions answered about these writes. Returns the ids of those that are newly lost. */
  judge(writes: readonly AcknowledgedWrite[], answers: Answers): string[] {
    const lost: string[] = [];
    for (const { id } of writes) {
      const entry = this.entries.get(id);
      if (!entry) continue;
      const fate = fateOf(entry.write, answers, entry.seenIn);
      for (const [region, answer] of answers) {
        if (answer?.found.has(id) && !answer.parked.has(id)) entry.seenIn.add(region);
      }
      if (entry.fate === "lost") continue;
      entry.fate = fate;
      if (fate === "lost") lost.push(id);
      if (fate === "lost" || (fate === "everywhere" && agree(id, answers))) this.open.delete(id);
    }
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
