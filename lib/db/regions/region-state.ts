import { getLogger } from "@/lib/log";
import { NOTHING, type Positions } from "@/lib/db/sessions/positions";
import type { ClientCache } from "./clients";
import { isUnreachable, within } from "./faults";
import { Floors } from "./floors";
import { readKnownLeader, readOverview, type KnownLeader, type Overview } from "./overview";
import type { RegionId } from "./region-id";
import {
  expectedRoundTripMs,
  findRegion,
  regionIds,
  regionsByDistance,
  type Topology,
} from "./topology";

/** How long a region may take to tell its state. Without it a dead link holds askers for 10 s. */
const ANSWER_MS = 3_000;

/** How old a cached overview may be before the next caller starts to refresh it. */
const REFRESH_AFTER_MS = 1_000;

/** A peer that its observer could not reach for this long counts as down. */
const PEER_FAILED_MS = 3_000;

/** An observation older than this says nothing any more. */
export const OBSERVATION_VALID_MS = 5_000;

interface Entry {
  latest: Overview | null;
  refreshing: Promise<Overview> | null;
  /** What the region said last when it was asked for no more than the leader. */
  leader: KnownLeader | null;
  askingLeader: Promise<KnownLeader> | null;
  attemptedAtMs: number;
}

/**
 * What a process knows of the regions: overviews read from their databases, refreshed when asked
 * for and never awaited by a request that can do without, and which of them could not be reached.
 */
export class RegionState {
  private readonly entries = new Map<string, Entry>();
  private readonly down = new Set<string>();
  private readonly floors: Floors;
  private readonly hints = new Map<
    RegionId,
    { region: RegionId; epoch: number; notedAtMs: number }
  >();

  constructor(
    private readonly topology: () => Topology,
    private readonly clients: ClientCache,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.floors = new Floors(nowMs);
  }

  /** The newest overview that is at hand, or null; starts a refresh if it has aged. */
  latest(vantage: RegionId, region: RegionId): Overview | null {
    const entry = this.entry(vantage, region);
    if (this.nowMs() - entry.attemptedAtMs > REFRESH_AFTER_MS) {
      this.refresh(vantage, region).catch(() => undefined);
    }
    return entry.latest;
  }

  /** Reads the overview now, or joins a reading that is under way. Fails if the region does. */
  refresh(vantage: RegionId, region: RegionId): Promise<Overview> {
    const entry = this.entry(vantage, region);
    entry.refreshing ??= this.read(vantage, region, entry).finally(() => {
      entry.refreshing = null;
    });
    return entry.refreshing;
  }

  /** Asks for the leader alone, or joins a question that is under way. Fails if the region does. */
  askLeader(vantage: RegionId, region: RegionId): Promise<KnownLeader> {
    const entry = this.entry(vantage, region);
    entry.askingLeader ??= this.readLeader(vantage, region, entry).finally(() => {
      entry.askingLeader = null;
    });
    return entry.askingLeader;
  }

  private async readLeader(
    vantage: RegionId,
    region: RegionId,
    entry: Entry,
  ): Promise<KnownLeader> {
    const askedAtMs = this.nowMs();
    try {
      const answer = readKnownLeader(this.clients.read(vantage, region));
      entry.leader = await within(ANSWER_MS, answer);
      if (entry.leader.holdsLease) this.noteLease(vantage, entry.leader.epoch, askedAtMs);
      return entry.leader;
    } catch (err) {
      if (isUnreachable(err)) this.markDown(vantage, region);
      throw err;
    }
  }

  private async read(vantage: RegionId, region: RegionId, entry: Entry): Promise<Overview> {
    const askedAtMs = (entry.attemptedAtMs = this.nowMs());
    try {
      const overview = await within(ANSWER_MS, readOverview(this.clients.read(vantage, region)));
      entry.latest = overview;
      if (overview.leading !== null) this.noteLease(vantage, overview.leading, askedAtMs);
      this.markUp(vantage, region);
      return overview;
    } catch (err) {
      if (isUnreachable(err)) this.markDown(vantage, region);
      getLogger("regions").debug({ err, region }, "overview not read");
      throw err;
    }
  }

  /** The best informed view from a vantage: its own region's, else the nearest one that is fresh. */
  around(vantage: RegionId): Overview | null {
    let fallback: Overview | null = null;
    for (const region of regionsByDistance(this.topology(), vantage)) {
      const overview = this.latest(vantage, region.id);
      if (overview === null) continue;
      if (this.nowMs() - overview.readAtMs < OBSERVATION_VALID_MS) return overview;
      fallback ??= overview;
    }
    return fallback;
  }

  /**
   * Positions that every region has applied. Old knowledge is safe: cursors only grow. None while
   * some region reads from a replica of its own, which may be behind the cursors that are known.
   */
  floor(vantage: RegionId): Positions {
    const readsElsewhere = this.topology().regions.some(({ id }) => {
      const { read, write } = this.topology().endpoints(vantage, id);
      return read !== write;
    });
    if (readsElsewhere) return NOTHING;
    const overview = this.around(vantage);
    return overview === null ? NOTHING : this.floors.of(vantage, overview);
  }

  /** What has been on the floor for a while: sessions need not know of it any more. */
  settled(vantage: RegionId): Positions {
    return this.floor(vantage).size === 0 ? NOTHING : this.floors.settled(vantage);
  }

  /** As the newest epoch that any region has told of, or a later hint. */
  leader(vantage: RegionId): { region: RegionId; epoch: number } {
    const known = this.knownLeader(vantage);
    const hint = this.hints.get(vantage);
    return hint && known.epoch <= hint.epoch ? { region: hint.region, epoch: known.epoch } : known;
  }

  /**
   * What was taken for the leader has named another region. Holds until a newer epoch is known, or a region says
   * that it has the lease of the known one: a new leader that has not heard of its own election yet names the
   * former one, which may be dead and will not take it back.
   */
  noteLeader(vantage: RegionId, region: RegionId): void {
    const { epoch } = this.knownLeader(vantage);
    this.hints.set(vantage, { region, epoch, notedAtMs: this.nowMs() });
  }

  /** What a region answered that had the lease of an epoch, to a question of `askedAtMs`. */
  private noteLease(vantage: RegionId, epoch: number, askedAtMs: number): void {
    const hint = this.hints.get(vantage);
    // An earlier question may have been answered before the lead moved on.
    if (hint && epoch >= hint.epoch && askedAtMs >= hint.notedAtMs) this.hints.delete(vantage);
  }

  private knownLeader(vantage: RegionId): { region: RegionId; epoch: number } {
    const regions = this.topology().regions;
    let told: Pick<KnownLeader, "leader" | "epoch"> | null = this.around(vantage);
    // A region that was away knows a former leader.
    for (const { id } of regions) {
      const entry = this.entries.get(link(vantage, id));
      for (const other of [entry?.latest, entry?.leader]) {
        if (other && (told === null || other.epoch > told.epoch)) told = other;
      }
    }
    const known = regions.find((region) => region.id === told?.leader);
    if (known && told) return { region: known.id, epoch: told.epoch };
    const initial =
      regions.find((region) => region.isPrimary) ?? findRegion(this.topology(), vantage);
    return { region: initial.id, epoch: 0 };
  }

  regionIds(): readonly RegionId[] {
    return regionIds(this.topology());
  }

  /** The configured region of this name, if there is one. */
  findRegionId(name: string): RegionId | undefined {
    return this.topology().regions.find((region) => region.id === name)?.id;
  }

  /** Round trip in ms from a vantage, measured by its worker or else estimated by distance. */
  roundTripMs(vantage: RegionId, region: RegionId): number {
    const peer = this.latest(vantage, vantage)?.peers.get(region);
    return peer?.latencyMs ?? expectedRoundTripMs(this.topology(), vantage, region);
  }

  /** Asks nobody. A region that failed a request is down until its overview can be read again. */
  isHealthy(vantage: RegionId, region: RegionId): boolean {
    if (this.down.has(link(vantage, region))) {
      this.latest(vantage, region);
      return false;
    }
    if (vantage === region) return true;
    const view = this.latest(vantage, vantage);
    // An overview that has aged, or an observer that is gone, cannot condemn another region.
    if (view === null) return true;
    const observedMs = this.nowMs() - view.readAtMs + (view.worker?.ageMs ?? Infinity);
    if (observedMs > OBSERVATION_VALID_MS) return true;
    return (view.peers.get(region)?.failedForMs ?? 0) < PEER_FAILED_MS;
  }

  /** Whether the last request to the region failed, and nothing has come from it since. */
  isDown(vantage: RegionId, region: RegionId): boolean {
    return this.down.has(link(vantage, region));
  }

  markDown(vantage: RegionId, region: RegionId): void {
    this.down.add(link(vantage, region));
  }

  markUp(vantage: RegionId, region: RegionId): void {
    this.down.delete(link(vantage, region));
  }

  private entry(vantage: RegionId, region: RegionId): Entry {
    const key = link(vantage, region);
    let entry = this.entries.get(key);
    if (!entry) {
      entry = {
        latest: null,
        refreshing: null,
        leader: null,
        askingLeader: null,
        attemptedAtMs: -Infinity,
      };
      this.entries.set(key, entry);
    }
    return entry;
  }
}

function link(vantage: RegionId, region: RegionId): string {
  return `${vantage} ${region}`;
}
