import { Agent, get } from "node:http";
import { systemSleep } from "@/lib/clock";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { demoSession } from "./demo-session";

export interface OverloadOptions {
  /** Times what the server can answer. */
  times: number;
  seconds: number;
  log: (line: string) => void;
}

interface Latency {
  p50: number;
  p99: number;
}

/** Of the production build on this machine, which also makes the load. */
export interface OverloadResult {
  /** Answers a second that as many clients as it takes get from it. */
  capacityPerSecond: number;
  /** At half of that, in ms. */
  normalMs: Latency;
  askedPerSecond: number;
  admitted: number;
  admittedMs: Latency;
  /** p99 of those that were admitted, as a multiple of the normal one. */
  slower: number;
  refused: number;
  refusedMs: Latency;
  /** Neither answered nor refused. */
  failed: number;
  /** After the end of the overload, until nothing was refused or slower than three times the normal p99 any more. */
  recoveredMs: number;
}

interface Answer {
  sentMs: number;
  ms: number;
  /** 0 where there was none. */
  status: number;
}

/** What is asked for, in turn. */
const PAGES = [
  "/documents",
  "/documents/demo-start-here",
  "/documents/demo-meeting-notes",
  "/",
  "/documents/demo-start-here",
];
const CLIENTS = 16;
const ANSWER_MS = 30_000;
const STEP_MS = 5;
const MEASURE_S = 15;
/** Long enough for a p99 that a single slow page does not make. */
const NORMAL_S = 40;

/** Asks for pages faster than they can be made, and looks at who is answered, who is refused, and how soon. */
export async function drillOverload(options: OverloadOptions): Promise<OverloadResult> {
  const planet = new ChildPlanet(["--production"]);
  try {
    options.log("starting a planet with the production build");
    await planet.start();
    const { cookie } = await demoSession(planet, "overload-drill");
    return await new OverloadDrill(planet, cookie, options).run();
  } finally {
    await planet.stop();
  }
}

class OverloadDrill {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 2_000 });
  private readonly web: string;
  private asked = 0;

  constructor(
    planet: ChildPlanet,
    private readonly cookie: string,
    private readonly options: OverloadOptions,
  ) {
    this.web = planet.cluster().web!;
  }

  async run(): Promise<OverloadResult> {
    const { log, times, seconds } = this.options;
    for (const page of PAGES) {
      const { status } = await this.ask(page);
      if (status !== 200) throw new Error(`${page} answered ${status}`);
    }
    await this.saturate(MEASURE_S / 3);
    const capacity = await this.saturate(MEASURE_S);
    log(`${capacity.toFixed(0)} pages a second; resting`);
    await systemSleep(6_000);
    const normal = latencyOf(taken(await this.offer(capacity / 2, NORMAL_S)));
    log(`normal: p50 ${normal.p50} ms, p99 ${normal.p99} ms`);
    const answers = await this.offer(capacity * times, seconds);
    const endMs = performance.now();
    const refused = answers.filter(({ status }) => status === 503);
    const admittedMs = latencyOf(taken(answers));
    log(`overload: ${taken(answers).length} of ${answers.length} taken in`);
    const after = await this.offer(capacity / 2, MEASURE_S);
    this.agent.destroy();
    const bad = after.filter(({ status, ms }) => status !== 200 || ms > 3 * normal.p99);
    return {
      capacityPerSecond: Math.round(capacity),
      normalMs: normal,
      askedPerSecond: Math.round(answers.length / seconds),
      admitted: taken(answers).length,
      admittedMs,
      slower: Math.round((100 * admittedMs.p99) / normal.p99) / 100,
      refused: refused.length,
      refusedMs: latencyOf(refused),
      failed: answers.length - refused.length - taken(answers).length,
      recoveredMs: Math.round(Math.max(0, ...bad.map(({ sentMs, ms }) => sentMs + ms - endMs))),
    };
  }

  /** Clients who ask again as soon as they are answered. Returns the answers a second. */
  private async saturate(seconds: number): Promise<number> {
    const endMs = performance.now() + seconds * 1_000;
    let answered = 0;
    const client = async () => {
      while (performance.now() < endMs) {
        const { status } = await this.ask(this.nextPage());
        if (status === 200) answered += 1;
        else await systemSleep(STEP_MS);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return answered / seconds;
  }

  /** Asks at a rate, whether or not it is answered. Resolves once all are. */
  private async offer(perSecond: number, seconds: number): Promise<Answer[]> {
    const startMs = performance.now();
    const answers: Promise<Answer>[] = [];
    for (let passedS = 0; passedS < seconds; passedS = (performance.now() - startMs) / 1_000) {
      while (answers.length < passedS * perSecond) answers.push(this.ask(this.nextPage()));
      await systemSleep(STEP_MS);
    }
    return Promise.all(answers);
  }

  private nextPage(): string {
    return PAGES[this.asked++ % PAGES.length]!;
  }

  private ask(page: string): Promise<Answer> {
    const sentMs = performance.now();
    return new Promise((resolve) => {
      const end = (status: number) => resolve({ sentMs, ms: performance.now() - sentMs, status });
      const request = get(
        `${this.web}${page}`,
        { agent: this.agent, headers: { cookie: this.cookie }, timeout: ANSWER_MS },
        (response) => {
          response.resume();
          response.once("end", () => end(response.statusCode ?? 0));
          response.once("error", () => end(0));
        },
      );
      request.once("timeout", () => request.destroy());
      request.once("error", () => end(0));
    });
  }
}

function taken(answers: readonly Answer[]): Answer[] {
  return answers.filter(({ status }) => status === 200);
}

function latencyOf(answers: readonly Answer[]): Latency {
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (part: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
  return { p50: at(0.5), p99: at(0.99) };
}
