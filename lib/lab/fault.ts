import { z } from "zod";

export const DATABASE_ACTIONS = ["kill", "keep-down", "pause", "continue", "start"] as const;
export const WORKER_ACTIONS = ["kill", "pause", "continue"] as const;
export const REDIS_ACTIONS = ["kill", "keep-down", "start"] as const;
export const LINK_ACTIONS = ["cut", "cut-there", "cut-back", "delay", "heal"] as const;

export const MAX_DELAY_MS = 5_000;
export const MAX_CLOCK_MS = 60_000;

const region = z.string("A region is needed.").min(1).max(100);

/** Of `POST /api/lab/faults`. `cut-there`: nothing gets from `from` to `to`; `cut-back`: the other way round. */
export const faultSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("database"), region, action: z.enum(DATABASE_ACTIONS) }).strict(),
  z.object({ kind: z.literal("worker"), region, action: z.enum(WORKER_ACTIONS) }).strict(),
  z.object({ kind: z.literal("redis"), action: z.enum(REDIS_ACTIONS) }).strict(),
  z
    .object({
      kind: z.literal("clock"),
      region,
      /** Of the machine's clock; negative: behind. */
      aheadMs: z.number().int().min(-MAX_CLOCK_MS).max(MAX_CLOCK_MS),
    })
    .strict(),
  z
    .object({
      kind: z.literal("link"),
      from: region,
      to: region,
      action: z.enum(LINK_ACTIONS),
      /** One way, with `delay`. */
      delayMs: z.number().int().min(0).max(MAX_DELAY_MS).optional(),
    })
    .strict()
    .refine(({ action, delayMs }) => (action === "delay") === (delayMs !== undefined), {
      message: "A delay, and nothing else, has a time.",
    }),
]);

export type Fault = z.infer<typeof faultSchema>;

export interface ControlCall {
  path: string;
  body: Record<string, unknown>;
}

const PROCESS_ACTION = {
  kill: "kill",
  "keep-down": "hold",
  pause: "stop",
  continue: "continue",
  start: "start",
} as const;

/** What the planet's control is asked for. Pure. */
export function callsOf(fault: Fault): ControlCall[] {
  switch (fault.kind) {
    case "database":
      return [processCall(`postgres-${fault.region}`, PROCESS_ACTION[fault.action])];
    case "worker":
      return [processCall(`worker-${fault.region}`, PROCESS_ACTION[fault.action])];
    case "redis":
      return [processCall("redis", PROCESS_ACTION[fault.action])];
    case "clock":
      return [
        { path: `/clocks/${encodeURIComponent(fault.region)}`, body: { aheadMs: fault.aheadMs } },
      ];
    case "link":
      return linkCalls(fault);
    default:
      return fault satisfies never;
  }
}

function processCall(name: string, action: string): ControlCall {
  return { path: `/processes/${encodeURIComponent(name)}`, body: { action } };
}

/** Each direction of a link is half of two proxies: of the requests one way, of the answers the other. */
function linkCalls({ from, to, action, delayMs }: Extract<Fault, { kind: "link" }>): ControlCall[] {
  const path = (a: string, b: string) => `/links/${encodeURIComponent(a)}/${encodeURIComponent(b)}`;
  const both = (there: Record<string, unknown>, back: Record<string, unknown>) => [
    { path: path(from, to), body: there },
    { path: path(to, from), body: back },
  ];
  switch (action) {
    case "cut":
      return both({ cut: "both" }, { cut: "both" });
    case "cut-there":
      return both({ cut: "to-target" }, { cut: "from-target" });
    case "cut-back":
      return both({ cut: "from-target" }, { cut: "to-target" });
    case "delay":
      return both({ delayMs }, { delayMs });
    case "heal":
      return both({ restore: true }, { restore: true });
    default:
      return action satisfies never;
  }
}

/** In words, without the regions' cities: those are the caller's. */
export function describeFault(fault: Fault, city: (regionId: string) => string): string {
  switch (fault.kind) {
    case "database":
      return `${DATABASE_WORDS[fault.action]} the database of ${city(fault.region)}`;
    case "worker":
      return `${WORKER_WORDS[fault.action]} the worker of ${city(fault.region)}`;
    case "redis":
      return `${DATABASE_WORDS[fault.action]} Redis`;
    case "clock":
      return describeClockFault(fault.aheadMs, city(fault.region));
    case "link":
      return describeLinkFault(fault, city(fault.from), city(fault.to));
    default:
      return fault satisfies never;
  }
}

function describeClockFault(aheadMs: number, of: string): string {
  if (aheadMs === 0) return `Set the clock of ${of} right`;
  const seconds = `${Math.abs(aheadMs) / 1_000} s`;
  return `Set the clock of ${of} ${seconds} ${aheadMs > 0 ? "ahead" : "back"}`;
}

function describeLinkFault(
  { action, delayMs }: Extract<Fault, { kind: "link" }>,
  from: string,
  to: string,
): string {
  switch (action) {
    case "cut":
      return `Cut the link between ${from} and ${to}`;
    case "cut-there":
      return `Cut the way from ${from} to ${to}`;
    case "cut-back":
      return `Cut the way from ${to} to ${from}`;
    case "delay":
      return `Delayed the link between ${from} and ${to} to ${delayMs} ms each way`;
    case "heal":
      return `Healed the link between ${from} and ${to}`;
    default:
      return action satisfies never;
  }
}

const DATABASE_WORDS = {
  kill: "Killed",
  "keep-down": "Killed and kept down",
  pause: "Paused",
  continue: "Continued",
  start: "Started",
} as const;

const WORKER_WORDS = { kill: "Killed", pause: "Paused", continue: "Continued" } as const;
