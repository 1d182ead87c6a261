import { describe, expect, it, vi } from "vitest";
import type { Actor, RegionId } from "@/lib/db/regions/region-id";
import { beginEarly } from "@/lib/db/sessions/early-read";
import { NOTHING, toPosition, type Positions } from "@/lib/db/sessions/positions";
import type { SessionToken } from "@/lib/db/sessions/token";

const EU = "eu-west-1" as RegionId;
const upTo = (position: bigint): Positions =>
  new Map([["us-east-1" as Actor, toPosition(position)]]);
const tokenOf = (position: bigint): SessionToken => ({ kind: "valid", positions: upTo(position) });

/** What is known of Dublin: that it answers, what it has, and what every region has. */
function begin(
  options: { healthy?: boolean; had?: Positions; floor?: Positions; token?: SessionToken } = {},
) {
  const known = { had: options.had ?? NOTHING, floor: options.floor ?? NOTHING };
  const read = vi.fn(() => Promise.resolve("row"));
  const parts = {
    state: { isHealthy: () => options.healthy ?? true, floor: () => known.floor },
    applied: { cached: () => known.had },
  } as unknown as Parameters<typeof beginEarly>[0];
  const where = { vantage: EU, region: EU, token: options.token ?? ({ kind: "none" } as const) };
  return { early: beginEarly(parts, where, read), read, known };
}

describe("a read that begins before the session's entries are known", () => {
  it("is begun in a region that answers, and shows all that no region lacks", async () => {
    const { early, read } = begin({ floor: upTo(7n) });
    expect(read).toHaveBeenCalledOnce();
    expect(await early?.data).toBe("row");
    expect(early?.hadAll(NOTHING)).toBe(true);
    expect(early?.hadAll(upTo(7n))).toBe(true);
    expect(early?.hadAll(upTo(8n))).toBe(false);
  });

  it("shows what the region was known to have when it began, and not what came while it ran", () => {
    const { early, known } = begin({ had: upTo(7n), floor: upTo(3n) });
    known.had = upTo(9n);
    known.floor = upTo(9n);
    expect(early?.hadAll(upTo(7n))).toBe(true);
    expect(early?.hadAll(upTo(8n))).toBe(false);
  });

  it("shows nothing of an origin of which nothing was known", () => {
    const { early } = begin({ had: upTo(7n) });
    expect(early?.hadAll(new Map([["ap-southeast-1" as Actor, toPosition(1n)]]))).toBe(false);
  });

  it.each([
    ["for a region that is down", { healthy: false }],
    ["for a token that is not believed", { token: { kind: "invalid" } as SessionToken }],
    ["for a token whose writes may not be there yet", { had: upTo(7n), token: tokenOf(8n) }],
  ])("is not begun %s", (_, options) => {
    const { early, read } = begin(options);
    expect(early).toBeNull();
    expect(read).not.toHaveBeenCalled();
  });

  it("is begun for a token whose writes are there", () => {
    expect(begin({ had: upTo(8n), token: tokenOf(8n) }).early).not.toBeNull();
    expect(begin({ floor: upTo(8n), token: tokenOf(8n) }).early).not.toBeNull();
  });

  it("fails in silence where nobody wants it", async () => {
    const read = () => Promise.reject(new Error("gone"));
    const parts = {
      state: { isHealthy: () => true, floor: () => NOTHING },
      applied: { cached: () => NOTHING },
    } as unknown as Parameters<typeof beginEarly>[0];
    const early = beginEarly(parts, { vantage: EU, region: EU, token: { kind: "none" } }, read);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(early?.data).rejects.toThrow("gone");
  });
});
