import { randomUUID } from "node:crypto";
import { systemSleep } from "@/lib/clock";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { Runtime } from "@/lib/db/regions/runtime";
import { errorMessage } from "@/lib/errors";
import type { Receipt } from "@/lib/db/read-your-writes";
import type { Stamp } from "./calls";
import type { HistoryWriter } from "./history";

/** What every workload is given. */
export interface World {
  history: HistoryWriter;
  runtime: () => Runtime;
  regions: readonly RegionId[];
  /** Of the clients' choices. What they meet depends on time, so a seed repeats the faults, and these only nearly. */
  random: () => number;
  /** No client begins anything after it. */
  signal: AbortSignal;
}

/** Longest that a client waits for an answer. What comes later is not known to it. */
export const CLIENT_WAIT_MS = 10_000;

export const pick = <T>(from: readonly T[], random: () => number): T =>
  from[Math.floor(random() * from.length)]!;

/** Unlike any other of any run. */
export const newName = (kind: string): string => `${kind}-${randomUUID().slice(0, 13)}`;

/** A client that does one thing after the other, with a pause between two. Nothing that a step throws ends it. */
export async function client(
  { signal, random }: World,
  pauseMs: number,
  step: (turn: number) => Promise<void>,
): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    await step(turn);
    await systemSleep(pauseMs * (0.5 + random()), signal);
  }
}

export function stampOf({
  origin,
  position,
}: {
  origin: string;
  position: bigint | string;
}): Stamp {
  return { origin, position: String(position) };
}

/** Of a document's write: its receipt says that the region that took it has applied it. */
export function stampOfReceipt({ applied }: Receipt): Stamp {
  const [entry, ...others] = Object.entries(applied);
  if (!entry || others.length > 0) throw new Error("A write's receipt has one position");
  return { origin: entry[0], position: entry[1] };
}

/** For the history: in one line, and not for ever. */
export const detailOf = (error: unknown): string =>
  errorMessage(error).trim().replaceAll(/\s+/g, " ").slice(0, 300);
