import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDomain, type TestDomain } from "@/__tests__/lib/documents/domain";
import { authenticate, createAccount, signInInput, signUpInput } from "@/lib/auth/accounts";
import type { RegionId } from "@/lib/db/multi-region-config";
import { check } from "@/lib/documents/validation";

const VIRGINIA = "us-east-1" as RegionId;
const SINGAPORE = "ap-southeast-1" as RegionId;
/** No worker runs here, so nothing is replicated. */
const ALONE = { durability: "region" } as const;
const ADA = { name: "Ada", email: "ada@example.com", password: "correct horse battery" };

let domain: TestDomain;

beforeAll(async () => {
  domain = await startDomain();
});
afterAll(() => domain.close());

describe("accounts", () => {
  it("are written in the leading region from anywhere", async () => {
    const created = await createAccount(ADA, SINGAPORE, ALONE);
    expect(created).toMatchObject({
      ok: true,
      account: { email: "ada@example.com", name: "Ada", role: "user" },
      write: { origin: "us-east-1" },
    });
  });

  it("have one address, whatever its case", async () => {
    const input = check(signUpInput, { ...ADA, email: " ADA@Example.com" });
    if (!input.ok) throw new Error(input.message);
    const again = await createAccount(input.value, VIRGINIA);
    expect(again).toMatchObject({ ok: false, code: "email-taken" });
  });

  it("are answered for once another region has them", async () => {
    await domain.rows(
      `INSERT INTO mr.cursor (actor, position) VALUES ('us-east-1', 1000000000000)`,
      [],
      "eu-west-1",
    );
    const created = await createAccount({ ...ADA, email: "quorum@example.com" }, SINGAPORE);
    expect(created).toMatchObject({ ok: true, account: { email: "quorum@example.com" } });
    await domain.rows("DELETE FROM mr.cursor", [], "eu-west-1");
  });

  it("say that no other region has confirmed them, and are there all the same", async () => {
    const input = { ...ADA, email: "alone@example.com" };
    const created = await createAccount(input, SINGAPORE, { confirmMs: 300, waitMs: 300 });
    expect(created).toMatchObject({ ok: false, code: "indeterminate" });
    expect(created.ok ? "" : created.message).toMatch(/no other region has confirmed it/);
    expect(await authenticate(input, VIRGINIA)).toMatchObject({ ok: true });
  });

  it("say that nobody leads, and make nothing", async () => {
    const set = (until: string) =>
      domain.rows("UPDATE mr.lease SET valid_until = $1, seen_at = '-infinity'", [until]);
    await set("-infinity");
    const input = { ...ADA, email: "leaderless@example.com" };
    const created = await createAccount(input, SINGAPORE);
    await set("infinity");
    expect(created).toMatchObject({ ok: false, code: "unavailable" });
    expect(created.ok ? "" : created.message).toMatch(/No region leads/);
    expect(
      await domain.rows(`SELECT id FROM "User" WHERE email = $1`, ["leaderless@example.com"]),
    ).toEqual([]);
  });

  it("can sign in from a region that has not heard of them yet", async () => {
    expect(await authenticate(ADA, SINGAPORE)).toMatchObject({
      ok: true,
      account: { name: "Ada" },
    });
    expect(await authenticate(ADA, VIRGINIA)).toMatchObject({ ok: true });
  });

  it("get one answer for a wrong password and for an unknown address", async () => {
    for (const vantage of [VIRGINIA, SINGAPORE]) {
      const wrong = await authenticate({ ...ADA, password: "wrong horse" }, vantage);
      const unknown = await authenticate({ ...ADA, email: "nobody@example.com" }, vantage);
      expect(wrong).toMatchObject({ ok: false, code: "wrong-credentials" });
      expect(unknown).toEqual(wrong);
    }
  });

  it("say that the leader is down rather than that a password is wrong", async () => {
    domain.setDown("us-east-1", true);
    try {
      expect(await authenticate(ADA, SINGAPORE)).toMatchObject({ code: "unavailable" });
      expect(await createAccount({ ...ADA, email: "new@example.com" }, SINGAPORE)).toMatchObject({
        code: "unavailable",
      });
    } finally {
      domain.setDown("us-east-1", false);
    }
  });

  it.each([
    [{ ...ADA, password: "short" }, "password", /at least 10/],
    [{ ...ADA, password: "p".repeat(201) }, "password", /at most 200/],
    [{ ...ADA, name: " " }, "name", /what to call you/],
    [{ ...ADA, name: "a\0" }, "name", /can't be stored/],
    [{ ...ADA, email: "not an address" }, "email", /not an e-mail address/],
  ])("are refused with a sentence: %#", (input, field, message) => {
    const result = check(signUpInput, input);
    expect(result.ok ? "" : result.fields?.[field]).toMatch(message);
  });

  it("take SQL and HTML in a name as text", async () => {
    const name = `'; DROP TABLE "User"; -- <script>`;
    const created = await createAccount({ ...ADA, email: "x@example.com", name }, VIRGINIA, ALONE);
    expect(created).toMatchObject({ ok: true, account: { name } });
    expect(check(signInInput, { email: "' OR 1=1 --", password: "x" }).ok).toBe(true);
    expect(await authenticate({ email: "' OR 1=1 --", password: "x" }, VIRGINIA)).toMatchObject({
      code: "wrong-credentials",
    });
  });
});
