import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { untilTold } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { authenticate, createAccount, type Account } from "@/lib/auth/accounts";
import type { SessionUser } from "@/lib/auth/session-options";
import { signOutEverywhere } from "@/lib/auth/sign-out-everywhere";
import { withStanding } from "@/lib/auth/standing";
import type { RegionId } from "@/lib/db/multi-region-config";
import { type Runtime } from "@/lib/db/regions/runtime";

const [US, EU, AP] = ["us-east-1", "eu-west-1", "ap-southeast-1"] as RegionId[] as [
  RegionId,
  RegionId,
  RegionId,
];
const CREDENTIALS = { email: "ada@example.com", password: "correct horse battery" };

const holder = globalThis as { meridianRuntime?: Runtime };
let planet: TestPlanet;
let account: Account;

beforeAll(async () => {
  planet = await startTestPlanet();
  await planet.startWorkers();
  holder.meridianRuntime = planet.runtime(US);
  const made = await createAccount({ name: "Ada", ...CREDENTIALS }, US);
  if (!made.ok) throw new Error(made.message);
  account = made.account;
  await untilTold(planet.regions);
});
afterAll(async () => {
  delete holder.meridianRuntime;
  await planet.stop();
});

const sessionOf = (of: Account): SessionUser => ({ ...of, sessionId: "s", revocationEpoch: 0 });

describe("sessions of an account", () => {
  it("that are ended in one region are over in the others, and the one that ended them goes on", async () => {
    const before = sessionOf(account);
    expect(await withStanding(before, AP)).toEqual(before);
    const ended = await signOutEverywhere({ userId: account.userId, vantage: EU });
    if (!ended.ok) throw new Error(ended.message);
    expect(ended.value.accountEpoch).toBe(1);
    for (const region of [US, EU, AP]) {
      await waitFor(async () => (await withStanding(before, region)) === null);
      const kept = { ...before, accountEpoch: 1 };
      expect(await withStanding(kept, region)).toEqual(kept);
    }
    const again = await authenticate(CREDENTIALS, AP);
    if (!again.ok) throw new Error(again.message);
    expect(again.account.accountEpoch).toBe(1);
    account = again.account;
  });

  it("lose a role with it, wherever they are", async () => {
    const leader = planet.region(US).pool;
    const set = (role: string) =>
      leader.query(`UPDATE "User" SET "role" = $1 WHERE "id" = $2`, [role, account.userId]);
    await set("admin");
    const roleIn = async (region: RegionId) =>
      (await withStanding(sessionOf(account), region))?.role;
    await waitFor(async () => (await roleIn(AP)) === "admin");
    await set("user");
    await waitFor(async () => (await roleIn(AP)) === "user");
  });

  it("are what they were sealed as where no region answers", async () => {
    const stranger = sessionOf({ ...account, userId: "not-anywhere", role: "admin" });
    expect(await withStanding(stranger, US)).toEqual(stranger);
  });
});
