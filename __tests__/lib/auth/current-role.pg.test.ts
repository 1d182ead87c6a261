import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDomain, type TestDomain } from "@/__tests__/lib/documents/domain";
import { currentRole } from "@/lib/auth/current-role";

const REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-1"];

let domain: TestDomain;

beforeAll(async () => {
  domain = await startDomain();
});
afterAll(() => domain.close());

async function administrator(name: string) {
  const { userId } = await domain.addUser(name);
  await set(userId, `role = 'admin'`);
  return { userId, role: "admin" } as const;
}

/** As replication would bring it, in some regions. */
async function set(id: string, change: string, regions = REGIONS): Promise<void> {
  for (const { pool } of domain.stores.regions.filter((region) => regions.includes(region.id))) {
    const client = await pool.connect();
    try {
      await client.query("BEGIN; SET LOCAL session_replication_role = replica");
      await client.query(`UPDATE "User" SET ${change} WHERE id = $1`, [id]);
      await client.query("COMMIT");
    } finally {
      client.release();
    }
  }
}

describe("the role of a session", () => {
  it("is what the account has, once the nearest region has heard of it", async () => {
    const session = await administrator("operator");
    expect(await currentRole(session)).toBe("admin");
    await set(session.userId, `role = 'user'`, ["eu-west-1", "ap-southeast-1"]);
    expect(await currentRole(session)).toBe("admin");
    await set(session.userId, `role = 'user'`, ["us-east-1"]);
    expect(await currentRole(session)).toBe("user");
  });

  it("is none that the cookie does not have", async () => {
    const { userId } = await administrator("promoted");
    expect(await currentRole({ userId, role: "user" })).toBe("user");
  });

  it("is gone with the account", async () => {
    const deleted = await administrator("deleted");
    await set(deleted.userId, `"deletedAt" = now()`);
    expect(await currentRole(deleted)).toBe("user");
  });

  it("is the cookie's for an account that no region has yet", async () => {
    expect(await currentRole({ userId: "not-there-yet", role: "admin" })).toBe("admin");
  });

  it("is asked of the next region while one is down, and the cookie's when none answers", async () => {
    const session = await administrator("in-need");
    await set(session.userId, `role = 'user'`, ["eu-west-1", "ap-southeast-1"]);
    domain.setDown("us-east-1", true);
    try {
      expect(await currentRole(session)).toBe("user");
      for (const region of REGIONS) domain.setDown(region, true);
      expect(await currentRole(session)).toBe("admin");
    } finally {
      for (const region of REGIONS) domain.setDown(region, false);
    }
  });
});
