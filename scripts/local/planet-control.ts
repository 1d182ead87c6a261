import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { MeridianError } from "@/lib/errors";
import type { PlanetState } from "@/lib/lab/planet-state";
import type { PlanetClocks } from "@/scripts/local/planet-clocks";
import { CUT_DIRECTIONS } from "@/scripts/local/link-proxy";
import { describeLink, LINK_TARGETS, type PlanetLinks } from "@/scripts/local/planet-links";
import { PROCESS_ACTIONS, type ProcessAction, type ProcessState } from "@/scripts/local/supervisor";

/** The planet's processes, as far as faults are concerned. */
export interface FaultyProcesses {
  running(): { name: string; pid: number }[];
  states(): { name: string; state: ProcessState }[];
  act(name: string, action: ProcessAction): boolean;
  startAll(): void;
}

export interface PlanetControlOptions {
  /** 0 takes any free one. */
  port: number;
  token: string;
  links: PlanetLinks;
  processes: FaultyProcesses;
  clocks: Pick<PlanetClocks, "set" | "setAllRight" | "states">;
}

const MAX_BODY_BYTES = 4_096;
const MAX_DELAY_MS = 60_000;
const MAX_CLOCK_MS = 3_600_000;

const yes = z.literal(true).optional();
const faultSchema = z
  .object({
    target: z.enum(LINK_TARGETS).optional(),
    delayMs: z.number().min(0).max(MAX_DELAY_MS).optional(),
    cut: z.enum(CUT_DIRECTIONS).optional(),
    refuse: yes,
    reset: yes,
    heal: yes,
    restore: yes,
    resetCounters: yes,
  })
  .strict();
const clockSchema = z
  .object({ aheadMs: z.number().int().min(-MAX_CLOCK_MS).max(MAX_CLOCK_MS) })
  .strict();
const actionSchema = z.object({ action: z.enum(PROCESS_ACTIONS) }).strict();

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new MeridianError("too-large", "The body is too large.");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString() || "{}");
  } catch {
    throw new MeridianError("bad-json", "The body is not JSON.");
  }
}

/**
 * HTTP on 127.0.0.1 by which tests and drills look at the planet and break it. Every request
 * carries `Authorization: Bearer <controlToken of secrets.json>`.
 *
 * - `GET /links`: delays, states and counters of every link
 * - `POST /links/:from/:to` `{ target?, heal?, restore?, delayMs?, cut?, refuse?, reset?, resetCounters? }`
 * - `GET /processes`, `POST /processes/:name` `{ action: "kill" | "stop" | "continue" | "hold" | "start" }`
 * - `POST /clocks/:region` `{ aheadMs }`: how far the clock of a region's database is ahead of the machine's
 * - `GET /state`: every link between two regions, process and clock, as the fault lab shows them
 * - `POST /reset`: heals all links, continues what was stopped, starts what is down, sets clocks right
 */
export class PlanetControl {
  private server: Server | undefined;

  constructor(private readonly options: PlanetControlOptions) {}

  /** Returns the address. */
  async start(): Promise<string> {
    const server = createServer((request, response) => void this.answer(request, response));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.options.port, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: unknown) => {
      response.writeHead(status, {
        "content-type": "application/json",
        "cache-control": "no-store",
      });
      response.end(`${JSON.stringify(body)}\n`);
    };
    try {
      if (!this.isAuthorised(request)) return send(401, { error: "A bearer token is needed." });
      const body = await this.route(request);
      if (body === undefined) return send(404, { error: "There is nothing here." });
      send(200, body);
    } catch (error) {
      if (error instanceof z.ZodError) return send(400, { error: z.prettifyError(error) });
      if (!(error instanceof MeridianError)) return send(500, { error: String(error) });
      send(error.code.startsWith("unknown-") ? 404 : 400, { error: error.message });
    }
  }

  private isAuthorised(request: IncomingMessage): boolean {
    const expected = Buffer.from(`Bearer ${this.options.token}`);
    const given = Buffer.from(request.headers.authorization ?? "");
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  private async route(request: IncomingMessage): Promise<unknown> {
    const { links, processes } = this.options;
    const [area, first, second, ...rest] = new URL(request.url ?? "/", "http://x").pathname
      .split("/")
      .slice(1)
      .map(decodeURIComponent);
    const route = `${request.method} ${area}`;
    if (rest.length > 0) return undefined;
    if (route === "GET links" && first === undefined)
      return { links: links.all().map(describeLink) };
    if (route === "POST links" && first && second) {
      await links.apply(first, second, faultSchema.parse(await readJson(request)));
      return describeLink(links.find(first, second));
    }
    if (route === "GET processes" && first === undefined) return { processes: processes.running() };
    if (route === "POST processes" && first && second === undefined) {
      const { action } = actionSchema.parse(await readJson(request));
      return { name: first, action, applied: processes.act(first, action) };
    }
    if (route === "POST clocks" && first && second === undefined) {
      const { aheadMs } = clockSchema.parse(await readJson(request));
      await this.options.clocks.set(first, aheadMs);
      return { region: first, aheadMs };
    }
    if (route === "GET state" && first === undefined) return this.state();
    if (route === "POST reset" && first === undefined) {
      await this.reset();
      return this.state();
    }
    return undefined;
  }

  private state(): PlanetState {
    const { links, processes } = this.options;
    return {
      links: links
        .all()
        .filter(({ from, to }) => from !== to)
        .map((link) => ({
          from: link.from,
          to: link.to,
          delayMs: link.postgres?.oneWayDelayMs ?? 0,
          usualDelayMs: links.usualDelayMs(link),
          state: link.postgres?.state ?? { kind: "open" },
        })),
      processes: processes.states(),
      clocks: this.options.clocks.states(),
    };
  }

  private async reset(): Promise<void> {
    await this.options.links.healAll();
    await this.options.clocks.setAllRight();
    this.options.processes.startAll();
  }
}
