import { MeridianError } from "@/lib/errors";

/** A region did not answer in time. What was asked may still happen there. */
export class RegionTimeoutError extends MeridianError {
  constructor(timeoutMs: number) {
    super("region-timeout", `The region did not answer within ${Math.round(timeoutMs)} ms.`);
  }
}

/** The answer, or a RegionTimeoutError after the time: a link that swallows everything never fails. */
export async function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RegionTimeoutError(timeoutMs)), timeoutMs);
  });
  // Whoever comes second is not listened to any more.
  answer.catch(() => undefined);
  return Promise.race([answer, timeout]).finally(() => clearTimeout(timer));
}

/** Whether an error means that the other side could not be reached, so another region may serve. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof RegionTimeoutError) return true;
  const state = sqlState(error);
  if (state !== undefined && NOT_SERVING.test(state)) return true;
  const links = chain(error);
  // Of a statement it is a refusal; where it ends the connection, the database lets nobody in.
  if (links.some(({ code, severity }) => code === NO_PRIVILEGE && severity === "FATAL"))
    return true;
  if (links.some((link) => link.code !== undefined && UNREACHABLE_CODES.has(link.code)))
    return true;
  // Messages count only where no database answered: its answers quote what users wrote.
  return state === undefined && links.some((link) => UNREACHABLE_MESSAGE.test(link.message));
}

/** SQLSTATE of a database error, through the wrappers of Prisma and its adapters. */
export function sqlState(error: unknown): string | undefined {
  return chain(error)
    .map((link) => link.code)
    .find((code) => code !== undefined && SQL_STATE.test(code));
}

// Gone, shutting down or starting; it has no connection (53300) or no room on its disk (53100) left for us; it lets our role
// not in (28), as while a region is filled; it is no longer there (3D000).
const NOT_SERVING = /^(08|28|57P|53[13]00|3D000)/;

const NO_PRIVILEGE = "42501";

// Some codes of Node have five letters too, but no digit (EPIPE); those of Prisma begin at P1000.
const SQL_STATE = /^(?=.*[0-9])(?!P[1-9])[0-9A-Z]{5}$/;

// P1xxx are Prisma's connection errors, P2024 is its pool timeout.
const UNREACHABLE_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "P1000",
  "P1001",
  "P1002",
  "P1003",
  "P1008",
  "P1010",
  "P1017",
  "P2024",
]);

// pg reports a connection that breaks or hangs in mid-query as an Error without a code; the last two are of Neon's
// driver and of its WebSockets.
const UNREACHABLE_MESSAGE =
  /connection terminated|connection timeout|query read timeout|timeout exceeded when trying to connect|server (?:has )?closed the connection|client has encountered a connection error|can't reach database server|attempts to open a WebSocket|unexpected server response: 50[0-9]/i;

interface Link {
  code: string | undefined;
  severity: string | undefined;
  message: string;
}

/** The error and everything that it wraps, outermost first. */
function chain(error: unknown): Link[] {
  const links: Link[] = [];
  const queue: unknown[] = [error];
  while (queue.length > 0 && links.length < 16) {
    const next = queue.shift();
    if (typeof next !== "object" || next === null) continue;
    const fields = next as Record<string, unknown>;
    const text = (value: unknown) => (typeof value === "string" ? value : undefined);
    for (const code of [fields.originalCode, fields.code]) {
      links.push({
        code: text(code),
        severity: text(fields.severity),
        message: text(fields.message) ?? "",
      });
    }
    queue.push(fields.cause, fields.meta, fields.driverAdapterError);
    if (Array.isArray(fields.errors)) queue.push(...(fields.errors as unknown[]));
  }
  return links;
}
