import autocannon from "autocannon";
import type { Asker } from "./http-askers";
import { quantile } from "./statistics";

/** So few that no server takes them for a crowd and refuses some. */
export const CONNECTIONS = 4;

const ROUND_SECONDS = 3;
const ANSWER_SECONDS = 10;

/** What came of the requests of a round. */
export interface Answers {
  /** Of those that were answered, in ms. */
  times: number[];
  seconds: number;
  /** Answers other than 200, by status and path. */
  others: ReadonlyMap<string, number>;
  /** Connections that broke, and requests that were not answered. */
  errors: number;
}

export interface HttpRound {
  perSecond: number;
  p99Ms: number;
}

/**
 * Asks on each connection again as soon as it is answered.
 *
 * @throws Error where an answer is not 200, or none comes
 */
export async function loadHttp(
  origin: string,
  askers: readonly Asker[],
  seconds = ROUND_SECONDS,
): Promise<HttpRound> {
  return roundOf(await answersOf(origin, askers, seconds));
}

function answersOf(origin: string, askers: readonly Asker[], duration: number): Promise<Answers> {
  const waiting = [...askers];
  const times: number[] = [];
  const others = new Map<string, number>();
  const note = (other: string) => others.set(other, (others.get(other) ?? 0) + 1);
  return new Promise((resolve, reject) => {
    const options: autocannon.Options = {
      url: origin,
      connections: askers.length,
      duration,
      sampleInt: 100,
      timeout: ANSWER_SECONDS,
      setupClient: (client) => client.setRequests([requestOf(waiting.shift()!, note)]),
    };
    const load = autocannon(options, (error: Error | null, result) => {
      if (error) reject(error);
      else resolve({ times, seconds: result.duration, others, errors: result.errors });
    });
    load.on("response", (_, status, __, tookMs) => {
      if (status === 200) times.push(tookMs);
    });
  });
}

/** One that is made anew each time. */
function requestOf(asker: Asker, note: (other: string) => void): autocannon.Request {
  return {
    setupRequest: (request) => ({ ...request, ...asker.next() }),
    onResponse: (status, body, _context, headers = {}) => {
      if (status === 200) asker.heard?.(body, headers);
      else note(`${status} for ${asker.path}`);
    },
  };
}

/** @throws Error where an answer was not 200, or none came */
export function roundOf({ times, seconds, others, errors }: Answers): HttpRound {
  if (errors > 0) throw new Error(`${errors} requests were not answered`);
  if (others.size > 0) {
    const told = [...others].map(([other, count]) => `${count} × ${other}`).join(", ");
    throw new Error(`Not every answer was 200: ${told}`);
  }
  if (times.length === 0) throw new Error("Nothing was answered");
  return { perSecond: times.length / seconds, p99Ms: quantile(times, 0.99) };
}
