/**
 * Serves the production build as a platform without long-lived processes would: `tsx fresh-web.ts <port> <host>`. Each
 * request gets a process of its own that has answered nothing before and ends after it; what it does once it has
 * answered is waited for. Files of the build come from one that stays, as from a platform's edge.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import {
  createServer,
  request as send,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import path from "node:path";
import { projectRoot } from "@/scripts/local/paths";
import { freePort } from "@/scripts/local/process-tools";

/** Started and not used yet. */
const AHEAD = 2;

/**
 * So many work on their answers at once. A platform gives each a processor; here they would take each other's time, and
 * take slow answers for regions that are down.
 */
const AT_ONCE = availableParallelism();

/** A process that takes longer for its last work is ended, in ms. */
const END_MS = 60_000;

const STATIC = /^\/(_next\/static\/|icon\.svg|images\/)/;

interface Instance {
  child: ChildProcess;
  port: number;
}

const [port, host] = [Number(process.argv[2]), process.argv[3] ?? "127.0.0.1"];

async function start(): Promise<Instance> {
  const own = await freePort(0, { host });
  const guard = path.join(projectRoot, "scripts/local/child-guard.mjs");
  const script = path.join(projectRoot, "scripts/local/next-child.mjs");
  const child = spawn(
    process.execPath,
    ["--import", guard, "--enable-source-maps", script, "production", String(own), host],
    {
      cwd: projectRoot,
      env: { ...process.env, PORT: String(own) },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    },
  );
  await new Promise<void>((resolve, reject) => {
    child.once("message", () => resolve());
    child.once("exit", (code) => reject(new Error(`A server ended with ${code} as it started.`)));
  });
  return { child, port: own };
}

/** In the order in which they were started; the first is for who has waited longest. */
const ahead: Promise<Instance>[] = [];

function startAhead(): void {
  const instance = start();
  // Whoever takes it is told that it failed; until then nobody listens.
  instance.catch(() => undefined);
  ahead.push(instance);
}

let working = 0;
const waiting: (() => void)[] = [];

async function take(): Promise<Instance> {
  if (working < AT_ONCE) working++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  while (ahead.length < AHEAD + 1) startAhead();
  return ahead.shift() ?? start();
}

/** To be called once by whoever took one, when its answer has begun or will not come. */
function passOn(): void {
  const next = waiting.shift();
  if (next) next();
  else working--;
}

function forward(
  instance: Instance,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  on: { begun?: () => void; done?: () => void } = {},
): void {
  let isBegun = false;
  const begun = () => {
    if (isBegun) return;
    isBegun = true;
    on.begun?.();
  };
  const passed = send(
    {
      host,
      port: instance.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...incoming.headers, connection: "close" },
      agent: false,
    },
    (answer) => {
      begun();
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  passed.on("error", () => {
    if (!outgoing.headersSent) outgoing.writeHead(502);
    outgoing.end();
  });
  outgoing.once("close", () => {
    passed.destroy();
    begun();
    on.done?.();
  });
  incoming.pipe(passed);
}

function end({ child }: Instance): void {
  const late = setTimeout(() => child.kill("SIGKILL"), END_MS);
  child.once("exit", () => clearTimeout(late));
  child.kill("SIGTERM");
}

const files = await start();
const server = createServer((incoming, outgoing) => {
  if (STATIC.test(incoming.url ?? "")) {
    forward(files, incoming, outgoing);
    return;
  }
  take().then(
    (instance) => {
      if (!outgoing.destroyed) {
        forward(instance, incoming, outgoing, { begun: passOn, done: () => end(instance) });
        return;
      }
      // Whoever asked is gone: it has answered nothing, and is for the next one.
      ahead.unshift(Promise.resolve(instance));
      passOn();
    },
    () => {
      passOn();
      outgoing.writeHead(503).end();
    },
  );
});
while (ahead.length < AHEAD) startAhead();
await Promise.all(ahead);
server.listen(port, host, () => process.send?.("ready"));
process.once("SIGTERM", () => {
  server.close();
  for (const instance of ahead) void instance.then(end, () => undefined);
  end(files);
  setTimeout(() => process.exit(0), 1_000).unref();
});
