import { readFileSync } from "node:fs";
import { systemSleep } from "@/lib/clock";
import type { ChildPlanet } from "@/scripts/local/child-planet";
import { childrenOf } from "./process-tree";

const EVERY_MS = 5_000;
const KIBIBYTES = 1_024;

export interface ProcessMemory {
  process: string;
  /** Of the first and of the last third of its samples, the median, in MiB. */
  firstMib: number;
  lastMib: number;
  ratio: number;
}

/** Memory of its own of a process and, for a database, of its sessions, in KiB; null for one that has ended. */
function ownKibibytes(pid: number): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^RssAnon:\s+([0-9]+) kB$/m.exec(status)?.[1] ?? Number.NaN);
  } catch {
    return null;
  }
}

/** Samples the memory of each process of a planet until the signal aborts. */
export class MemoryWatch {
  private readonly samples = new Map<string, number[]>();

  async run(planet: ChildPlanet, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const { name, pid } of await planet.processes()) {
        const isDatabase = name.startsWith("postgres");
        const all = [pid, ...(isDatabase ? childrenOf(pid) : [])].map(ownKibibytes);
        const known = all.filter((value) => value !== null);
        if (known.length === 0) continue;
        const sum = known.reduce((total, value) => total + value, 0);
        this.samples.set(name, [...(this.samples.get(name) ?? []), sum]);
      }
      await systemSleep(EVERY_MS, signal);
    }
  }

  result(): ProcessMemory[] {
    return [...this.samples].map(([process, samples]) => {
      const third = Math.max(1, Math.floor(samples.length / 3));
      const firstMib = Math.round(median(samples.slice(0, third)) / KIBIBYTES);
      const lastMib = Math.round(median(samples.slice(-third)) / KIBIBYTES);
      return { process, firstMib, lastMib, ratio: Math.round((100 * lastMib) / firstMib) / 100 };
    });
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
