import { systemSleep } from "@/lib/clock";
import { multiRegionDb } from "@/lib/db/multi-region-config";
import { isUnreachable, within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { defaultRuntime } from "@/lib/db/regions/runtime";
import { findRegion, regionIds } from "@/lib/db/regions/topology";
import { getEnv, type PlanetControlAccess } from "@/lib/env";
import { errorMessage } from "@/lib/errors";
import { getLogger } from "@/lib/log";
import { cleanUp, type StoryDocument } from "./clean-up";
import { describeFault, type Fault } from "./fault";
import { InvariantClient } from "./invariants/client";
import type { LeaderNews } from "./invariants/leader-watch";
import { violationsIn, type LabState } from "./lab-shape";
import { describePlanet } from "./planet-view";
import { PlanetClient } from "./planet-client";
import { STORIES } from "./stories/all";
import { advance, newStory, type StoryId, type StoryProgress } from "./stories/progress";
import { runStory, until, type StoryTools } from "./stories/story";
import { Timeline } from "./timeline";
import { Watchers } from "./watchers";

/** A load that nobody stopped stops by itself. */
const LOAD_MS = 10 * 60_000;

const DEAD_MAN_EVERY_MS = 5_000;
const SHOWN_EVENTS = 60;
const HEAL_MS = 60_000;
const CLEAN_UP_MS = 90_000;

interface Running {
  client: InvariantClient;
  /** Of the watch and the looks. */
  watching: AbortController;
  load: { stop: AbortController; done: Promise<unknown>; untilMs: number } | null;
  story: { stop: AbortController; done: Promise<void> } | null;
  documents: StoryDocument[];
}

/**
 * The fault lab of this process. It is at work while a page shows it; when the last one leaves, or goes
 * silent, everything that was broken is mended and everything that was written is deleted.
 */
export class Lab {
  private readonly planet: PlanetClient;
  private readonly timeline = new Timeline();
  private readonly watchers = new Watchers();
  private running: Running | null = null;
  /** Until a reset has come to its end: something may be broken. */
  private used = false;
  private story: StoryProgress | null = null;
  private resetting: Promise<void> | null = null;
  private deadMan: NodeJS.Timeout | undefined;

  constructor(access: PlanetControlAccess) {
    this.planet = new PlanetClient(access);
  }

  /** @param page tells pages apart that show the lab at the same time */
  async state(page: string): Promise<LabState> {
    this.watchers.ask(page);
    const { client, load } = this.open();
    const planet = await describePlanet(this.planet, client.watch);
    return {
      planet,
      load: { on: load !== null, until: load ? new Date(load.untilMs).toISOString() : null },
      invariants: client.counts(),
      timeline: this.timeline.latest(SHOWN_EVENTS),
      story: this.story,
      resetting: this.resetting !== null,
    };
  }

  /** Throws PlanetControlError for what the planet has not. */
  async fault(fault: Fault, by: string): Promise<void> {
    this.open();
    const text = describeFault(fault, city);
    await this.planet.apply(fault);
    this.timeline.note("done", `${text}.`);
    void this.audit(by, "lab.fault", text, fault);
  }

  setLoad(on: boolean): void {
    const running = this.open();
    if (on === (running.load !== null)) return;
    if (!on) {
      running.load?.stop.abort();
      running.load = null;
      this.timeline.note("done", "Load off.");
      return;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => this.setLoad(false), LOAD_MS);
    stop.signal.addEventListener("abort", () => clearTimeout(timer));
    const done = running.client.load(stop.signal).catch((err: unknown) => {
      getLogger("lab").warn({ err }, "the load ended");
    });
    running.load = { stop, done, untilMs: Date.now() + LOAD_MS };
    this.timeline.note("done", "Load on: rows and lines from every region.");
  }

  /** Whether it began: one at a time. */
  startStory(id: StoryId, by: string): boolean {
    const running = this.open();
    if (this.resetting || this.story?.status === "running") return false;
    const steps = STORIES[id].steps();
    let story = newStory(
      id,
      steps.map(({ title }) => title),
    );
    this.story = story;
    const tell = (event: Parameters<typeof advance>[1]) => {
      if (this.story !== story) return;
      this.story = story = advance(story, event);
    };
    const stop = new AbortController();
    const tools = this.toolsFor(running, by, stop.signal, tell);
    this.timeline.note("done", "A story begins.");
    this.setLoad(true);
    const before = violationsIn(running.client.counts());
    const done = runStory(steps, tools, { advance: tell }).then(async () => {
      const counted = violationsIn(running.client.counts()) - before;
      if (this.story === story) this.story = story = { ...story, violations: counted };
      this.timeline.note(
        story.status === "failed" ? "violation" : "happened",
        `The story ended: ${story.status}.`,
      );
      running.story = null;
      if (this.running === running) this.setLoad(false);
      if (story.status !== "passed") await this.planet.reset().catch(() => undefined);
    });
    running.story = { stop, done };
    void this.audit(by, "lab.story", id, {});
    return true;
  }

  stopStory(): void {
    this.running?.story?.stop.abort();
  }

  /** Mends everything now, and deletes what was written in the background. */
  async reset(why: string, by: string): Promise<void> {
    this.resetting ??= this.resetNow(why, by).finally(() => (this.resetting = null));
    await this.resetting;
  }

  /** A page is closed. The last one resets. */
  async leave(page: string, by: string): Promise<void> {
    if (this.watchers.leave(page) && this.used) await this.reset("the page was left", by);
  }

  private open(): Running {
    if (this.running) return this.running;
    const watching = new AbortController();
    const client = new InvariantClient({
      runtime: defaultRuntime,
      city,
      onLeaderNews: (news) => this.timeline.note("happened", newsText(news)),
      onViolation: (text) => this.timeline.note("violation", `${text}.`),
    });
    void client.run(watching.signal).catch((err: unknown) => {
      getLogger("lab").error({ err }, "the lab's client ended");
    });
    this.used = true;
    clearInterval(this.deadMan);
    this.deadMan = setInterval(() => this.lookForWatchers(), DEAD_MAN_EVERY_MS);
    this.deadMan.unref();
    return (this.running = { client, watching, load: null, story: null, documents: [] });
  }

  private lookForWatchers(): void {
    if (!this.used || this.resetting || !this.watchers.nobody()) return;
    void this.reset("nobody watches any more", "fault-lab").catch((err: unknown) => {
      getLogger("lab").error({ err }, "the lab was not reset");
    });
  }

  private async resetNow(why: string, by: string): Promise<void> {
    const running = this.running;
    this.running = null;
    running?.story?.stop.abort();
    running?.load?.stop.abort();
    running?.watching.abort();
    try {
      // Should this fail, the dead man's timer does it again.
      await this.planet.reset();
      this.timeline.note("done", `Everything is reset: ${why}.`);
      if (this.running === null) this.used = false;
    } finally {
      if (running) void this.forget(running);
    }
    if (this.story?.status === "running") this.story = advance(this.story, { kind: "stop" });
    void this.audit(by, "lab.reset", why, {});
  }

  /** Once nothing of it is under way any more: a write that comes after its deletion would stay. */
  private async forget({ load, story, documents }: Running): Promise<void> {
    await Promise.allSettled([load?.done, story?.done]);
    const deadlineMs = performance.now() + CLEAN_UP_MS;
    for (;;) {
      try {
        await cleanUp(defaultRuntime, currentRegion(), documents);
        return this.timeline.note("happened", "What the lab wrote is deleted.");
      } catch (error) {
        if (performance.now() > deadlineMs) {
          getLogger("lab").warn({ err: error }, "rows of the lab are left");
          return this.timeline.note("happened", "Some of what the lab wrote could not be deleted.");
        }
        await systemSleep(1_000);
      }
    }
  }

  private toolsFor(
    running: Running,
    userId: string,
    signal: AbortSignal,
    tell: StoryTools["tell"],
  ): StoryTools {
    const tools: StoryTools = {
      runtime: defaultRuntime,
      client: running.client,
      regions: regionIds(defaultRuntime().topology),
      userId,
      signal,
      city,
      tell,
      fault: (fault) => this.fault(fault, userId),
      healAll: async () => {
        await this.planet.reset();
        this.timeline.note("done", "All faults are mended.");
        await until(tools, HEAL_MS, "every database to answer", () =>
          tools.regions.every((region) => running.client.watch.of(region).kind !== "unknown")
            ? true
            : null,
        );
      },
      keepDocument: (id) => running.documents.push({ id, ownerId: userId }),
    };
    return tools;
  }

  /** In the nearest region that answers; a fault is made whether it could be written down or not. */
  private async audit(by: string, action: string, subject: string, detail: object): Promise<void> {
    for (const region of multiRegionDb.regionsInOrder()) {
      const db = multiRegionDb.getWriteClient(region);
      const written = db.$queryRaw`
        SELECT mr.write_audit(${by}, ${action}, ${subject}, ${JSON.stringify(detail)}::jsonb, 'done')`;
      try {
        return void (await within(2_000, written));
      } catch (error) {
        if (!isUnreachable(error)) {
          return getLogger("lab").warn({ error: errorMessage(error) }, "not written to the audit");
        }
      }
    }
  }
}

function currentRegion(): RegionId {
  return defaultRuntime().topology.currentRegion;
}

function city(id: string): string {
  const { topology } = defaultRuntime();
  return regionIds(topology).includes(id as RegionId)
    ? findRegion(topology, id as RegionId).city
    : id;
}

function newsText(news: LeaderNews): string {
  const name = city(news.region);
  switch (news.kind) {
    case "leads":
      return `${name} leads epoch ${news.epoch}.`;
    case "stepped-down":
      return `${name} leads no longer.`;
    case "silent":
      return `The database of ${name} does not answer.`;
    case "answers":
      return `The database of ${name} answers.`;
    case "dual":
      return `${name} led epoch ${news.epoch} after epoch ${news.newest}.`;
    default:
      return news satisfies never;
  }
}

const holder = globalThis as { meridianLab?: Lab };

/** The process's lab, or null where there is none: off the local planet. On globalThis, as the runtime is. */
export function findLab(): Lab | null {
  const { control } = getEnv();
  if (control === null) return null;
  return (holder.meridianLab ??= new Lab(control));
}
