import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isUnreachable, RegionTimeoutError, sqlState, within } from "@/lib/db/regions/faults";

function fault(message: string, fields: object = {}): Error {
  return Object.assign(new Error(message), fields);
}

/** As Prisma wraps what its adapter wraps of what pg throws. */
function throughPrisma(code: string, message: string): Error {
  return fault("Invalid `prisma.$queryRaw()` invocation", {
    code: "P2010",
    meta: {
      driverAdapterError: fault("DriverAdapterError", {
        cause: { originalCode: code, originalMessage: message, kind: "postgres", code, message },
      }),
    },
  });
}

describe("isUnreachable", () => {
  test.each([
    ["refused", fault("connect ECONNREFUSED 127.0.0.1:5432", { code: "ECONNREFUSED" })],
    ["reset", fault("read ECONNRESET", { code: "ECONNRESET" })],
    ["name not found", fault("getaddrinfo ENOTFOUND db.example", { code: "ENOTFOUND" })],
    ["Prisma cannot connect", fault("", { code: "P1001" })],
    ["Prisma's pool ran out", fault("", { code: "P2024" })],
    ["connection_failure", fault("gone", { code: "08006" })],
    ["admin_shutdown", fault("terminating connection", { code: "57P01" })],
    ["no room on its disk", throughPrisma("53100", "could not extend file")],
    ["no longer there", fault('database "x" does not exist', { code: "3D000" })],
    ["our role not let in", throughPrisma("28000", 'role "x" is not permitted to log in')],
    [
      "nobody let in while it is filled",
      fault("permission denied for database", { code: "42501", severity: "FATAL" }),
    ],
    ["Prisma's word for it", fault("", { code: "P1010" })],
    ["starting up", fault("the database system is starting up", { code: "57P03" })],
    ["broken in mid-query", fault("Connection terminated unexpectedly")],
    ["hung in mid-query", fault("Query read timeout")],
    ["pool time-out", fault("timeout exceeded when trying to connect")],
    ["a WebSocket that was not accepted", fault("Unexpected server response: 502")],
    ["no WebSocket", fault("All attempts to open a WebSocket to connect to the database failed.")],
    ["a cause", fault("wrapped", { cause: fault("x", { cause: fault("y", { code: "EPIPE" }) }) })],
    ["Prisma's wrappers", throughPrisma("57P01", "terminating connection")],
    ["several addresses", new AggregateError([fault("", { code: "ECONNREFUSED" })], "")],
    ["a plain object", { code: "ETIMEDOUT" }],
  ])("%s", (_name, error) => {
    expect(isUnreachable(error)).toBe(true);
  });

  test.each([
    ["a unique violation", fault("duplicate key", { code: "23505" })],
    [
      "a statement that the role may not make",
      fault("permission denied for table", { code: "42501", severity: "ERROR" }),
    ],
    ["a cancelled statement", fault("canceling statement", { code: "57014" })],
    ["a serialisation failure", fault("could not serialize", { code: "40001" })],
    ["the fence", throughPrisma("MR001", "User is written in the leading region us-east-1")],
    ["not found", fault("No record was found", { code: "P2025" })],
    ["a bug", new TypeError("x is not a function")],
    ["a number for a code", { code: 8006 }],
    ["null", null],
    ["undefined", undefined],
    ["text", "ECONNREFUSED"],
    ["0", 0],
  ])("not %s", (_name, error) => {
    expect(isUnreachable(error)).toBe(false);
  });

  test("not an answer of the database that quotes words of a user", () => {
    const message = 'invalid input syntax for type uuid: "connection terminated"';
    expect(isUnreachable(fault(message, { code: "22P02" }))).toBe(false);
    expect(isUnreachable(throughPrisma("22P02", message))).toBe(false);
  });

  test("comes to an end with an error that causes itself", () => {
    const error = fault("round and round");
    Object.assign(error, { cause: error, errors: [error, error, error] });
    expect(isUnreachable(error)).toBe(false);
  });
});

describe("sqlState", () => {
  test.each([
    ["of pg", fault("", { code: "23505" }), "23505"],
    ["of our own", fault("", { code: "MR001" }), "MR001"],
    ["of PL/pgSQL", fault("", { code: "P0001" }), "P0001"],
    ["through Prisma", throughPrisma("MR001", "no"), "MR001"],
    ["of a cause", fault("", { cause: fault("", { code: "22003" }) }), "22003"],
    ["none of Prisma", fault("", { code: "P2025" }), undefined],
    ["none of Node", fault("", { code: "ECONNRESET" }), undefined],
    ["none of Node with five letters", fault("", { code: "EPIPE" }), undefined],
    ["none of Prisma's migrations", fault("", { code: "P3005" }), undefined],
    ["none of nothing", null, undefined],
  ])("%s", (_name, error, expected) => {
    expect(sqlState(error)).toBe(expected);
  });
});

describe("within", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("hands on what comes in time, and leaves no timer", async () => {
    await expect(within(100, Promise.resolve("answer"))).resolves.toBe("answer");
    await expect(within(100, Promise.reject(fault("refused")))).rejects.toThrow("refused");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("an answer that never comes counts as unreachable", async () => {
    const error = within(100, new Promise(() => undefined)).catch((reason: unknown) => reason);
    await vi.advanceTimersByTimeAsync(99);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await error).toBeInstanceOf(RegionTimeoutError);
    expect(isUnreachable(await error)).toBe(true);
  });

  test("one that fails too late is not an unhandled rejection", async () => {
    const late = new Promise((_, reject) => setTimeout(() => reject(fault("late")), 200));
    const error = within(100, late).catch((reason: unknown) => reason);
    await vi.advanceTimersByTimeAsync(300);
    expect(await error).toBeInstanceOf(RegionTimeoutError);
  });
});
