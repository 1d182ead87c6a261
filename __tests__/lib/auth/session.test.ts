import { sealData, unsealData } from "iron-session";
import { describe, expect, it } from "vitest";
import { safeReturnPath } from "@/lib/auth/return-path";
import {
  currentRevocationEpoch,
  readSession,
  sessionOptions,
  type SessionUser,
} from "@/lib/auth/session-options";

const SECRET = "a-secret-of-this-test-with-32-characters";
const USER: SessionUser = {
  userId: "u1",
  email: "ada@example.com",
  name: "Ada",
  publicName: "Somebody u1",
  role: "user",
  sessionId: "s1",
  revocationEpoch: 2,
  accountEpoch: 0,
};

describe("session", () => {
  it("survives sealing, and not another secret or a changed cookie", async () => {
    const sealed = await sealData(USER, { password: SECRET });
    expect(readSession(await unsealData(sealed, { password: SECRET }), 2)).toEqual(USER);
    const foreign = await unsealData<object>(sealed, { password: `${SECRET}-other` });
    expect(readSession(foreign, 2)).toBeNull();
    const middle = sealed[120] === "A" ? "B" : "A";
    const changed = sealed.slice(0, 120) + middle + sealed.slice(121);
    expect(readSession(await unsealData<object>(changed, { password: SECRET }), 2)).toBeNull();
  });

  it("of before there were names for others has the one that there is", () => {
    const { publicName: _, ...before } = USER;
    expect(readSession(before, 2)?.publicName).toBe("Ada");
  });

  it("of before accounts could end them is of the first epoch", () => {
    const { accountEpoch: _, ...before } = USER;
    expect(readSession(before, 2)?.accountEpoch).toBe(0);
    expect(readSession({ ...USER, accountEpoch: "1" as never }, 2)).toBeNull();
  });

  it("is refused once the epoch was raised", () => {
    expect(readSession(USER, 2)).toEqual(USER);
    expect(readSession(USER, 3)).toBeNull();
  });

  it.each([
    [{}],
    [{ ...USER, userId: "" }],
    [{ ...USER, sessionId: undefined }],
    [{ ...USER, role: "root" as never }],
    [{ ...USER, revocationEpoch: undefined }],
  ])("is nobody when incomplete: %j", (sealed) => {
    expect(readSession(sealed, 0)).toBeNull();
  });

  it("keeps its cookie from scripts and other sites, and Secure to https", () => {
    const { cookieOptions } = sessionOptions(SECRET, true);
    expect(cookieOptions).toMatchObject({ httpOnly: true, sameSite: "lax", secure: true });
    expect(sessionOptions(SECRET, false).cookieOptions?.secure).toBe(false);
  });

  it.each([
    [undefined, 0],
    ["4", 4],
    ["-1", 0],
    ["many", 0],
  ])("reads the epoch %s as %s", (value, epoch) => {
    expect(currentRevocationEpoch({ SESSION_EPOCH: value })).toBe(epoch);
  });
});

describe("safeReturnPath", () => {
  it.each(["/", "/documents", "/documents/a?b=c#d"])("keeps %s", (path) => {
    expect(safeReturnPath(path, "/x")).toBe(path);
  });

  it.each([
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "/a\\..\\b",
    "/\t/evil.example",
    "documents",
    "javascript:alert(1)",
    "",
    `/${"a".repeat(600)}`,
    null,
    ["/documents"],
  ])("does not follow %s", (path) => {
    expect(safeReturnPath(path, "/x")).toBe("/x");
  });
});
