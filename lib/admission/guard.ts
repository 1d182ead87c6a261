import { Server, type IncomingMessage, type ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import { Admission, CROWD } from "./admission";

/** Between two looks at the event loop, in ms; only while requests are open. */
const LOOK_MS = 50;

/** Seconds after which to try again, spread so that those who were refused don't come back together. */
const RETRY_SECONDS = { least: 1, spread: 3 };

/** What tells whether the process is well, and files that cost nothing. */
const ALWAYS = /^\/(api\/health\/|api\/metrics|_next\/static\/)/;

const BUSY = "More is asked of this server than it can do. Try again in a moment.\n";

const holder = globalThis as { meridianAdmission?: Admission };

/** Of this process: of all bundles that Next.js makes of it. */
export const admission = (holder.meridianAdmission ??= new Admission());

let looking: NodeJS.Timeout | null = null;
let last = performance.eventLoopUtilization();

function look(): void {
  const now = performance.eventLoopUtilization();
  admission.look(performance.eventLoopUtilization(now, last).utilization);
  last = now;
}

function keepLooking(): void {
  last = performance.eventLoopUtilization();
  looking = setInterval(() => {
    look();
    if (admission.open > 0 || admission.limit !== null) return;
    clearInterval(looking!);
    looking = null;
  }, LOOK_MS);
  looking.unref();
}

function take(response: ServerResponse): void {
  if (looking === null) keepLooking();
  response.once("close", () => admission.answered());
}

function refuse(response: ServerResponse): void {
  const { least, spread } = RETRY_SECONDS;
  response.writeHead(503, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(BUSY),
    "retry-after": String(least + Math.floor(Math.random() * spread)),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(BUSY);
}

/**
 * From now on this process's HTTP servers refuse what they can't answer soon, with 503 and Retry-After, before
 * anything is done for it. Next.js makes the server itself and gives no place for that, hence the patch.
 */
export function guardServers(): void {
  const { emit } = Server.prototype;
  const guarded = function (this: Server, event: string, ...rest: unknown[]): boolean {
    if (event === "request") {
      const [request, response] = rest as [IncomingMessage, ServerResponse];
      if (!ALWAYS.test(request.url ?? "")) {
        if (admission.limit === null && admission.open >= CROWD) look();
        if (!admission.admit()) {
          refuse(response);
          return true;
        }
        take(response);
      }
    }
    return Reflect.apply(emit, this, [event, ...rest]) as boolean;
  };
  Server.prototype.emit = guarded as typeof emit;
}
