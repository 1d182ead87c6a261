import type {
  ControlSample,
  GrantOutcome,
  Held,
  HoldOutcome,
  LeaseRequest,
  PromiseOutcome,
  PromiseRequest,
  RowsPart,
} from "@/lib/db/failover/region-control";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import type { Position } from "@/lib/db/sessions/positions";
import type { SimulatedClock } from "./clocks";
import type { PlantedBug } from "./planted-bugs";
import { Rows } from "./rows";

/** How long a suspicion counts, by the acceptor's clock: mr.grant_lease. */
const SUSPECTED_MS = 2_000;

/** The database answers with an error, which is what it often does: no stack is made of it. */
export class DatabaseError implements Error {
  readonly name = "DatabaseError";

  constructor(
    readonly code: "MR001" | "MR007" | "read-only" | "shutdown",
    readonly leader?: RegionId,
  ) {}

  get message(): string {
    return this.code;
  }
}

export interface DatabaseOptions {
  region: RegionId;
  regions: readonly RegionId[];
  firstLeader: RegionId;
  clock: SimulatedClock;
  bug?: PlantedBug;
  /** The guard of an acceptor that keeps one: only for a planted bug. */
  guardMs: number;
}

/**
 * What the SQL functions of mr.* keep and do, in memory. Each method is one function of the same name in
 * the migrations *_leadership, *_promise_and_tell and those after them, and like it one transaction.
 */
export class SimulatedDatabase {
  readonly region: RegionId;
  readonly actor: Actor;
  readonly rows: Rows;
  readonly clock: SimulatedClock;
  state: "up" | "down" | "stopped" = "up";
  /** It takes no writes, as with a full disk. */
  readOnly = false;
  /** Id of an attempt that somebody asked for and no worker has begun. */
  request: string | null = null;
  /** A probe that comes before anything else, should it have been stopped. */
  probeDue = false;
  onHeld: (request: LeaseRequest) => void = () => undefined;

  /** How often it was started: what pg_postmaster_start_time() tells apart. */
  serverStart = 1;
  private promisedEpoch = 1n;
  private promisedTo: RegionId;
  private attempt = "";
  private grants = 0n;
  private confirmedIn = 0;
  private confirmedBy: RegionId[] = [];
  private suspected: { region: RegionId; atMs: number } | null = null;
  private guardUntilMs = -Infinity;
  private leadership: { epoch: bigint; leader: RegionId; actor: Actor | null };
  private lease = { epoch: 0n, validUntilMs: -Infinity, seenAtMs: -Infinity, serverStart: 0 };
  private setBacks = 0;
  private released = 0n;

  constructor(private readonly options: DatabaseOptions) {
    const { region, firstLeader, clock } = options;
    this.region = region;
    this.actor = region as string as Actor;
    this.clock = clock;
    this.rows = new Rows(this.actor);
    this.promisedTo = firstLeader;
    this.leadership = { epoch: 1n, leader: firstLeader, actor: null };
    if (region === firstLeader) this.lease.epoch = 1n;
  }

  /** Of mr.leading(). `atMs`: what the clock says, but for a planted bug. */
  leading(atMs = this.clock.nowMs()): bigint | null {
    const { epoch, validUntilMs, seenAtMs, serverStart } = this.lease;
    const isSetBack = atMs < seenAtMs && this.options.bug !== "no-high-water-mark";
    const valid =
      epoch > this.released &&
      serverStart === this.serverStart &&
      !isSetBack &&
      atMs < validUntilMs;
    return valid ? epoch : null;
  }

  refuseUnlessLeading(atMs?: number): void {
    if (this.leading(atMs) !== null) return;
    const { leader } = this.leadership;
    throw new DatabaseError(leader === this.region ? "MR007" : "MR001", leader);
  }

  mayVote(): boolean {
    const { regions } = this.options;
    return (
      regions.length === 1 ||
      (this.grants === 0n && this.promisedEpoch === 1n) ||
      (this.confirmedIn === this.serverStart &&
        this.confirmedBy.length >= Math.floor(regions.length / 2))
    );
  }

  confirmAcceptor(peer: RegionId): void {
    if (this.readOnly) return;
    if (this.confirmedIn !== this.serverStart) this.confirmedBy = [];
    this.confirmedIn = this.serverStart;
    if (!this.confirmedBy.includes(peer)) this.confirmedBy = [...this.confirmedBy, peer];
  }

  control(): ControlSample {
    const { leadership, lease, clock } = this;
    const leading = this.leading();
    const begun = this.options.bug === "anybody-begins" ? leadership.epoch : lease.epoch;
    return {
      region: this.region,
      actor: this.actor,
      state: "ready",
      boot: this.leaseBoot(),
      votes: this.mayVote(),
      regions: this.options.regions,
      promisedEpoch: this.promisedEpoch,
      promisedTo: this.promisedTo,
      grants: this.grants,
      epoch: leadership.epoch,
      leader: leadership.leader,
      leaderActor: leadership.actor,
      leaseEpoch: begun,
      released: this.released,
      leading,
      heldMs: leading === null ? null : lease.validUntilMs - clock.nowMs(),
      suspects: this.suspects(),
      pauseVersion: 0n,
      paused: false,
      cursors: this.rows.cursors,
      stalled: [],
      lastEvent: this.rows.lastEvent(),
      request: this.request,
      now: `${clock.nowMs()}`,
    };
  }

  probe(): ControlSample {
    if (this.options.bug === "no-write-probe") return this.control();
    this.refuseReadOnly();
    this.noteClock();
    this.lease.seenAtMs = Math.max(this.lease.seenAtMs, this.clock.nowMs());
    return this.control();
  }

  /** A clock that was set back ends the lease for good, and what was asked for before. */
  noteClock(): void {
    const { bug } = this.options;
    if (bug === "void-lease-revives" || bug === "no-high-water-mark") return;
    if (this.clock.nowMs() >= this.lease.seenAtMs) return;
    this.setBacks += 1;
    this.lease.validUntilMs = -Infinity;
    this.lease.seenAtMs = this.clock.nowMs();
  }

  grantLease(epoch: bigint, leader: RegionId, actor: Actor): GrantOutcome {
    this.refuseReadOnly();
    if (epoch < this.promisedEpoch) return "superseded";
    if (epoch === this.promisedEpoch && leader !== this.promisedTo) return "superseded";
    if (!this.mayVote()) return "unready";
    const known = this.leadership.epoch === epoch && this.leadership.leader === leader;
    if (this.suspects() === leader && known && leader !== this.region) return "suspect";
    this.grants += 1n;
    this.promisedEpoch = epoch;
    this.promisedTo = leader;
    this.leadership = { epoch, leader, actor };
    this.guardUntilMs = this.clock.nowMs() + this.options.guardMs;
    return "granted";
  }

  promiseEpoch({ epoch, candidate, attempt, expected }: PromiseRequest): PromiseOutcome {
    this.refuseReadOnly();
    if (this.promisedEpoch === epoch && this.attempt === attempt) return "promised";
    if (epoch <= this.promisedEpoch) return "superseded";
    if (!this.mayVote()) return "unready";
    if (this.options.bug === "guard-by-acceptor-clock") {
      if (expected !== null && this.clock.nowMs() < this.guardUntilMs) return "renewed";
    } else if (
      expected !== null &&
      (expected.grants !== this.grants || expected.actor !== this.actor)
    ) {
      return "renewed";
    }
    this.promisedEpoch = epoch;
    this.promisedTo = candidate;
    this.attempt = attempt;
    return "promised";
  }

  /** Of mr.promise_and_tell: whom it has followed. */
  follows(): { epoch: bigint; leader: RegionId } {
    const { epoch, leader } = this.leadership;
    return { epoch, leader };
  }

  suspect(leader: RegionId | null): void {
    this.refuseReadOnly();
    this.suspected = leader === null ? null : { region: leader, atMs: this.clock.nowMs() };
  }

  holdLease(request: LeaseRequest): HoldOutcome {
    this.refuseReadOnly();
    const { epoch, boot, leaseMs, begin } = request;
    const { lease } = this;
    const nowMs = this.clock.nowMs();
    const startMs =
      this.options.bug === "lease-from-when-held" ? nowMs : Number.parseFloat(request.start);
    this.noteClock();
    if (epoch < lease.epoch || epoch <= this.released || epoch < this.promisedEpoch) {
      return "superseded";
    }
    if (epoch > lease.epoch && !begin && this.options.bug !== "anybody-begins") return "not-begun";
    if (boot !== this.leaseBoot()) return "restarted";
    if (nowMs < startMs) return "clock";
    const untilMs = startMs + leaseMs;
    if (epoch > lease.epoch && nowMs >= untilMs) return "late";
    const goesOn =
      lease.epoch === epoch && lease.serverStart === this.serverStart && nowMs >= lease.seenAtMs;
    lease.validUntilMs = goesOn ? Math.max(lease.validUntilMs, untilMs) : untilMs;
    lease.epoch = epoch;
    lease.seenAtMs = nowMs;
    lease.serverStart = this.serverStart;
    this.onHeld(request);
    return "held";
  }

  /** Of mr.release_lease, once it has the lock. */
  releaseLease(epoch: bigint, after: Position): RowsPart[] {
    this.refuseReadOnly();
    if (epoch > this.released) this.released = epoch;
    if (this.lease.epoch <= epoch) this.lease.validUntilMs = -Infinity;
    return this.rows.written(after);
  }

  rowsBeyond({ actor, cursors }: Held): RowsPart[] {
    return this.options.bug === "no-pull" ? [] : this.rows.beyond(actor, cursors);
  }

  /** Of mr.await_any_held, at one moment. */
  isHeld(actor: Actor, position: number): "held" | "deposed" | "behind" {
    const { epoch, leader } = this.leadership;
    const led =
      this.promisedEpoch === epoch &&
      this.promisedTo === leader &&
      (leader as string) === (actor as string);
    if (!led && this.options.bug !== "held-in-spite-of-promise") return "deposed";
    return this.rows.cursorOf(actor) >= position ? "held" : "behind";
  }

  crash(): void {
    this.state = "down";
    this.rows.abortOpen();
  }

  restart(): void {
    this.state = "up";
    this.serverStart += 1;
  }

  refuseReadOnly(): void {
    if (this.readOnly) throw new DatabaseError("read-only");
  }

  private suspects(): RegionId | null {
    const { suspected } = this;
    if (suspected === null) return null;
    return suspected.atMs > this.clock.nowMs() - SUSPECTED_MS ? suspected.region : null;
  }

  /** What a lease is of: the boot, and how often its clock has been seen to be set back in it. */
  private leaseBoot(): string {
    return `${this.serverStart}/${this.setBacks}`;
  }
}
