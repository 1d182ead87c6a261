import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startDomain, type TestDomain } from "@/__tests__/lib/documents/domain";
import { authenticate, createAccount } from "@/lib/auth/accounts";
import { forgiveAttempts, SIGN_IN_QUOTA, takeAttempt } from "@/lib/auth/sign-in-quota";
import type { RegionId } from "@/lib/db/multi-region-config";

const VIRGINIA = "us-east-1" as RegionId;
const DUBLIN = "eu-west-1" as RegionId;
const PASSWORD = "correct horse battery";
const { attempts, everyMs } = SIGN_IN_QUOTA;

let domain: TestDomain;
let addresses = 0;

beforeAll(async () => {
  domain = await startDomain();
});
afterAll(() => domain.close());
beforeEach(() => domain.rows(`DELETE FROM "SignInQuota"`));

const anAddress = () => `person-${++addresses}@example.com`;
const exhaust = (address: string, region = VIRGINIA) =>
  Promise.all(Array.from({ length: attempts }, () => takeAttempt(region, address)));
/** As if so much time had passed. */
const pass = (ms: number) =>
  domain.rows(`UPDATE "SignInQuota" SET "paidAt" = "paidAt" - $1 * interval '1 ms'`, [ms]);
const stored = () => domain.rows<{ key: string }>(`SELECT "key" FROM "SignInQuota"`);

describe("attempts to sign in", () => {
  it("are granted so often and then refused, however many come at once", async () => {
    const address = anAddress();
    const waits = await Promise.all(
      Array.from({ length: 3 * attempts }, () => takeAttempt(VIRGINIA, address)),
    );
    expect(waits.filter((wait) => wait === 0)).toHaveLength(attempts);
    for (const wait of waits) expect(wait).toBeLessThanOrEqual(everyMs);
    expect(Math.max(...waits)).toBeGreaterThan(everyMs / 2);
  });

  it("are granted one by one as time passes", async () => {
    const address = anAddress();
    await exhaust(address);
    await pass(everyMs);
    expect(await takeAttempt(VIRGINIA, address)).toBe(0);
    expect(await takeAttempt(VIRGINIA, address)).toBeGreaterThan(0);
  });

  it("are counted by address and region", async () => {
    const address = anAddress();
    await exhaust(address);
    expect(await takeAttempt(VIRGINIA, anAddress())).toBe(0);
    expect(await takeAttempt(DUBLIN, address)).toBe(0);
    expect(await takeAttempt(VIRGINIA, address)).toBeGreaterThan(0);
  });

  it("do not lock out for longer after a clock that was ahead", async () => {
    const address = anAddress();
    await takeAttempt(VIRGINIA, address);
    await pass(-24 * 60 * 60 * 1000);
    expect(await takeAttempt(VIRGINIA, address)).toBeLessThanOrEqual(everyMs);
  });

  it("are refused the same with and without an account, before the password is looked at", async () => {
    const input = { name: "Ada", email: anAddress(), password: PASSWORD };
    await createAccount(input, VIRGINIA, { durability: "region" });
    const refusals = [];
    for (const email of [input.email, anAddress()]) {
      await exhaust(email);
      const refused = await authenticate({ email, password: PASSWORD }, VIRGINIA);
      expect(refused).toMatchObject({ ok: false, code: "limited" });
      refusals.push(refused.ok ? "" : refused.message.replace(/\d+/, "n"));
    }
    expect(new Set(refusals).size).toBe(1);
  });

  it("are forgiven whoever knows the password", async () => {
    const input = { name: "Ada", email: anAddress(), password: PASSWORD };
    await createAccount(input, VIRGINIA, { durability: "region" });
    for (let n = 0; n < attempts + 2; n++) {
      expect(await authenticate(input, VIRGINIA)).toMatchObject({ ok: true });
    }
    for (let n = 1; n < attempts; n++) await takeAttempt(VIRGINIA, input.email);
    await authenticate({ ...input, password: "wrong horse" }, VIRGINIA);
    expect(await authenticate(input, VIRGINIA)).toMatchObject({ code: "limited" });
    await forgiveAttempts(VIRGINIA, input.email);
    expect(await authenticate(input, VIRGINIA)).toMatchObject({ ok: true });
  });

  it("tell nobody's address, and leave nothing behind once they are paid", async () => {
    const address = anAddress();
    await takeAttempt(VIRGINIA, address);
    const rows = await stored();
    expect(JSON.stringify(rows)).not.toContain(address.split("@")[0]);
    for (let n = 0; n < 5; n++) await exhaust(anAddress());
    await pass(attempts * everyMs);
    const last = anAddress();
    await takeAttempt(VIRGINIA, last);
    await expect.poll(async () => (await stored()).length, { timeout: 5_000 }).toBe(1);
  });

  it("are counted elsewhere while the nearest region is down, and keep nobody out when none answers", async () => {
    const address = anAddress();
    domain.setDown(VIRGINIA, true);
    try {
      await exhaust(address);
      expect(await takeAttempt(VIRGINIA, address)).toBeGreaterThan(0);
      for (const { id } of domain.stores.regions) domain.setDown(id, true);
      expect(await takeAttempt(VIRGINIA, address)).toBe(0);
    } finally {
      for (const { id } of domain.stores.regions) domain.setDown(id, false);
    }
  });
});
