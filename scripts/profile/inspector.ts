import { readFile } from "node:fs/promises";
import WebSocket from "ws";
import { signal, waitUntil } from "@/scripts/local/process-tools";
import type { CpuProfile } from "./cpu-profile";

/** With it a Node process listens on a free port of 127.0.0.1 once it gets SIGUSR1, and on none before. */
export const INSPECTABLE = "--inspect-port=127.0.0.1:0";

const LISTENS = /Debugger listening on (ws:\S+)/g;
const OPENED_MS = 10_000;

/** So that a function that takes a thousandth of ten seconds of CPU has twenty samples. */
const SAMPLING_MICROS = 500;

/** What a process has compiled. */
export interface Script {
  scriptId: string;
  /** Empty, relative to the script, or the map itself as `data:`. */
  sourceMapURL: string;
}

/** Answers of V8's inspector, https://chromedevtools.github.io/devtools-protocol/v8/, by method. */
interface Answers {
  "Profiler.stop": { profile: CpuProfile };
  "Runtime.evaluate": { result: { value: unknown } };
}

interface Message {
  id?: number;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: { message: string };
}

/** V8's inspector of another process. */
export class Inspector {
  private readonly pending = new Map<number, (message: Message) => void>();
  private readonly scripts: Script[] = [];
  private lastId = 0;

  private constructor(private readonly socket: WebSocket) {
    socket.on("message", (data: Buffer) => this.take(JSON.parse(data.toString()) as Message));
  }

  /** @param logFile where the process writes what it says; it runs with INSPECTABLE */
  static async open(pid: number, logFile: string): Promise<Inspector> {
    let url: string | undefined;
    signal(pid, "SIGUSR1");
    const opened = await waitUntil(async () => {
      url = [...(await readFile(logFile, "utf8")).matchAll(LISTENS)].at(-1)?.[1];
      return url !== undefined;
    }, OPENED_MS);
    if (!opened || url === undefined) throw new Error(`No inspector: see ${logFile}`);
    const socket = new WebSocket(url, { maxPayload: 1024 ** 3, perMessageDeflate: false });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return new Inspector(socket);
  }

  /** What the process does while `work` goes on, and the CPU seconds that it takes, those of all its threads. */
  async profile(work: () => Promise<unknown>): Promise<{ profile: CpuProfile; seconds: number }> {
    await this.send("Profiler.enable");
    await this.send("Profiler.setSamplingInterval", { interval: SAMPLING_MICROS });
    const before = await this.cpuSeconds();
    await this.send("Profiler.start");
    await work();
    const { profile } = await this.send("Profiler.stop");
    return { profile, seconds: (await this.cpuSeconds()) - before };
  }

  /** All that the process has compiled so far. */
  async compiled(): Promise<readonly Script[]> {
    this.scripts.length = 0;
    await this.send("Debugger.enable");
    await this.send("Debugger.disable");
    return [...this.scripts];
  }

  close(): void {
    this.socket.close();
  }

  private async cpuSeconds(): Promise<number> {
    const expression = "(({ user, system }) => (user + system) / 1e6)(process.cpuUsage())";
    const { result } = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    return Number(result.value);
  }

  private send<M extends string>(
    method: M,
    params: object = {},
  ): Promise<M extends keyof Answers ? Answers[M] : unknown> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      const gone = () => reject(new Error(`${method}: the process is gone`));
      this.socket.once("close", gone);
      this.pending.set(id, ({ error, result }) => {
        this.socket.off("close", gone);
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result as never);
      });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }

  private take(message: Message): void {
    if (message.method === "Debugger.scriptParsed") this.scripts.push(message.params as Script);
    if (message.id === undefined) return;
    this.pending.get(message.id)?.(message);
    this.pending.delete(message.id);
  }
}
