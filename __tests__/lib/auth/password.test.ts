import { describe, expect, it } from "vitest";
import { decoyHash, hashPassword, verifyPassword } from "@/lib/auth/password";

describe("passwords", () => {
  it("verifies what it hashed and nothing else", async () => {
    const stored = await hashPassword("correct horse");
    expect(stored).toMatch(/^scrypt\$32768\$8\$3\$/);
    expect(stored).not.toContain("correct");
    expect(await verifyPassword("correct horse", stored)).toBe(true);
    expect(await verifyPassword("correct horsf", stored)).toBe(false);
    expect(await verifyPassword("", stored)).toBe(false);
  });

  it("salts: the same password twice is two hashes", async () => {
    expect(await hashPassword("same")).not.toBe(await hashPassword("same"));
  });

  it("takes one password typed in two normal forms as one", async () => {
    expect(await verifyPassword("cafe\u0301", await hashPassword("caf\u00e9"))).toBe(true);
  });

  it.each([
    "",
    "plain",
    "scrypt$32768$8$3$onlysalt",
    "scrypt$3$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    // Would cost 16 GiB.
    "scrypt$16777216$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "scrypt$32768$8$99$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  ])("refuses a malformed or unaffordable hash: %s", async (stored) => {
    expect(await verifyPassword("anything", stored)).toBe(false);
  });

  it("has one decoy, which no password fits", async () => {
    expect(await decoyHash()).toBe(await decoyHash());
    expect(await verifyPassword("", await decoyHash())).toBe(false);
  });
});
