/** Codes of connections that could not be opened; P1001 is what Prisma makes of them. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "P1001",
]);

/**
 * What pg's pool says, without a code, of a connection that did not come about in time, and Neon's driver of a WebSocket
 * that was not accepted.
 */
const NEVER_OPENED =
  /terminated due to connection timeout|timeout exceeded when trying to connect|^timeout expired$|attempts to open a WebSocket|unexpected server response: 50[0-9]/i;

/** Whether the database cannot have seen the statement that failed so. */
export function wasNeverSent(error: unknown): boolean {
  return wrapped(error).some(
    ({ code, message }) =>
      (typeof code === "string" && NEVER_SENT.has(code)) ||
      (typeof message === "string" && NEVER_OPENED.test(message)),
  );
}

/** Who leads, as the region that refused with MR001 says. */
export function leaderNamedBy(error: unknown): string | undefined {
  return wrapped(error)
    .map(({ detail }) => detail)
    .find((detail) => typeof detail === "string" && /^[a-z0-9][a-z0-9-]{0,30}$/.test(detail)) as
    string | undefined;
}

/** The error and what Prisma and its adapters wrapped, outermost first. */
function wrapped(error: unknown): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  const queue: unknown[] = [error];
  while (queue.length > 0 && found.length < 16) {
    const next = queue.shift();
    if (typeof next !== "object" || next === null) continue;
    const fields = next as Record<string, unknown>;
    found.push(fields);
    queue.push(fields.cause, fields.meta, fields.driverAdapterError);
  }
  return found;
}
