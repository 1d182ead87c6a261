/** What the launcher tells the person who started it. */
export interface PlanetReport {
  /** Announces a part of the start, and how long it took. A quiet one is shown when it is slow. */
  step<T>(label: string, work: () => Promise<T>, options?: { quiet?: boolean }): Promise<T>;
  note(line: string): void;
  /** Something happened that was not part of the plan. */
  event(line: string): void;
  webLine(line: string): void;
  workerLine(name: string, line: string): void;
}

const QUIET_MS = 500;
const LABEL_WIDTH = 30;
/** Lines in which Next presents itself: the summary gives the address. */
const NEXT_BANNER = /^\s*(▲ Next\.js |- (Local|Network): )/;
const PINO_ERROR = new Set(["error", "fatal"]);

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** The sentence of a worker's log line that a person should see, if it is one. Pure. */
export function alarmOf(line: string): string | undefined {
  if (!line.startsWith("{")) return line.trim() || undefined; // not the logger's: a crash
  try {
    const { level, msg, err } = JSON.parse(line) as {
      level?: string;
      msg?: string;
      err?: { message?: string };
    };
    if (level === undefined || !PINO_ERROR.has(level)) return undefined;
    return [msg, err?.message].filter(Boolean).join(": ");
  } catch {
    return line;
  }
}

export class ConsoleReport implements PlanetReport {
  constructor(private readonly write: (line: string) => void = (line) => console.log(line)) {}

  async step<T>(label: string, work: () => Promise<T>, { quiet = false } = {}): Promise<T> {
    const startedAt = performance.now();
    const result = await work();
    const elapsedMs = performance.now() - startedAt;
    if (!quiet || elapsedMs > QUIET_MS) {
      this.write(`  ✓ ${label.padEnd(LABEL_WIDTH)} ${seconds(elapsedMs)}`);
    }
    return result;
  }

  note(line: string): void {
    this.write(`  ✓ ${line}`);
  }

  event(line: string): void {
    this.write(`  · ${line}`);
  }

  webLine(line: string): void {
    if (line.trim() !== "" && !NEXT_BANNER.test(line)) this.write(`  web │ ${line}`);
  }

  workerLine(name: string, line: string): void {
    const alarm = alarmOf(line);
    if (alarm) this.write(`  ${name} │ ${alarm}`);
  }
}
