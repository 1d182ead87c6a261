import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { DatabaseError } from "./database";
import type { SimulatedWorld } from "./world";
import type { WriteTimes, Written } from "./writes";

/** As in lib/db/failover/leader-write.ts. */
const ANSWER_MS = 2_500;

/** Longer than there: an acknowledgement that comes late has to be true as well. */
const QUORUM_MS = 6_000;
const ASK_EVERY_MS = 40;

/** Writes one row after another at the region that it believes to lead, and follows what refusals say. */
export class SimulatedClient {
  slowCommits = false;
  private believed: RegionId;
  private stopped = false;

  constructor(
    readonly region: RegionId,
    private readonly world: SimulatedWorld,
  ) {
    this.believed = world.random.pick(world.options.regions);
  }

  start(): void {
    this.world.scheduler.after(this.world.random.between(50, 400), () => this.write());
  }

  stop(): void {
    this.stopped = true;
  }

  private write(): void {
    if (this.stopped) return;
    const { world, believed } = this;
    const database = world.database(believed);
    const sentMs = world.scheduler.nowMs;
    const times = this.times();
    world.network.call<Written>({
      from: this.region,
      to: database,
      timeoutMs: ANSWER_MS,
      execute: (answer, fail) => world.writesOf(database).write(times, answer, fail),
      done: (written) => {
        // A quick answer rules out that the commit came after the lease: see writeToLeader.
        const tookMs = world.scheduler.nowMs - sentMs;
        const write = { actor: database.actor, ...written };
        if (tookMs < world.settings.marginMs) this.written(write);
        else this.askWhetherItLeads(() => this.written(write));
      },
      failed: (error) => this.refused(error),
    });
  }

  private times(): WriteTimes {
    const { random } = this.world;
    const slow = random.chance(0.12);
    return {
      thinkMs: slow ? random.between(0, 5_000) : 0,
      openMs: random.chance(0.12) ? random.between(0, 4_000) : random.between(0.2, 3),
      diskMs: this.slowCommits ? random.between(1, 350) : random.between(0.2, 4),
    };
  }

  private refused(error: Error): void {
    const { random, options } = this.world;
    if (error instanceof DatabaseError && error.code === "MR001" && error.leader) {
      this.believed = error.leader;
    } else if (!(error instanceof DatabaseError) || error.code !== "MR007" || random.chance(0.2)) {
      this.believed = random.pick(options.regions);
    }
    this.later(25, 200);
  }

  private askWhetherItLeads(then: () => void): void {
    const { world } = this;
    world.network.call<boolean>({
      from: this.region,
      to: world.database(this.believed),
      timeoutMs: ANSWER_MS,
      execute: (answer) => answer(world.database(this.believed).leading() !== null),
      done: (leads) => (leads ? then() : this.later(25, 200)),
      failed: (error) => this.refused(error),
    });
  }

  private written(write: Written & { actor: Actor }): void {
    const { random, checker, options, scheduler } = this.world;
    const { actor, position, reign } = write;
    if (random.chance(0.3)) {
      checker.noteAcknowledged({ actor, position, durability: "region" }, reign);
      return this.later(80, 400);
    }
    const others = options.regions.filter((id) => (id as string) !== (actor as string));
    const untilMs = scheduler.nowMs + QUORUM_MS;
    let open = others.length;
    let needed = Math.floor(options.regions.length / 2);
    const answered = (held: boolean) => {
      open -= 1;
      if (held) needed -= 1;
      if (held && needed === 0) {
        checker.noteAcknowledged({ actor, position, durability: "quorum" }, reign);
      }
      if ((held && needed === 0) || (open === 0 && needed > 0)) this.later(80, 400);
    };
    for (const region of others) this.askUntilHeld(region, { actor, position, untilMs }, answered);
  }

  private askUntilHeld(
    region: RegionId,
    write: { actor: Actor; position: number; untilMs: number },
    answered: (held: boolean) => void,
  ): void {
    const { world } = this;
    const again = () => {
      if (world.scheduler.nowMs >= write.untilMs) return answered(false);
      world.scheduler.after(ASK_EVERY_MS, () => this.askUntilHeld(region, write, answered));
    };
    world.network.call<"held" | "deposed" | "behind">({
      from: this.region,
      to: world.database(region),
      timeoutMs: 1_000,
      execute: (answer) => answer(world.database(region).isHeld(write.actor, write.position)),
      done: (outcome) => (outcome === "behind" ? again() : answered(outcome === "held")),
      failed: again,
    });
  }

  private later(lowMs: number, highMs: number): void {
    const { scheduler, random } = this.world;
    scheduler.after(random.between(lowMs, highMs), () => this.write());
  }
}
