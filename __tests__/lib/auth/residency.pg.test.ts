import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { untilTold } from "@/__tests__/support/convergence";
import { startTestPlanet, type TestPlanet } from "@/__tests__/support/planet";
import { waitFor } from "@/__tests__/support/wait-for";
import { authenticate, createAccount, type Account } from "@/lib/auth/accounts";
import { changeAccountResidency } from "@/lib/auth/change-account-residency";
import { readAccount } from "@/lib/auth/read-account";
import type { RegionId } from "@/lib/db/multi-region-config";
import { Runtime } from "@/lib/db/regions/runtime";
import { readDocument } from "@/lib/documents/read";
import { createDocument, shareDocument } from "@/lib/documents/write";
import { globalLeaderboard } from "@/lib/gaming/leaderboard";
import { readPlacements, readPresence } from "@/lib/residency/placements";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const AP = "ap-southeast-1" as RegionId;
const ALL = [US, EU, AP];
const PASSWORD = "correct horse battery";

const holder = globalThis as { meridianRuntime?: Runtime };
let planet: TestPlanet;

beforeAll(async () => {
  planet = await startTestPlanet();
  await planet.startWorkers();
  holder.meridianRuntime = planet.runtime(US);
});
afterAll(async () => {
  delete holder.meridianRuntime;
  await planet.stop();
});

const addressOf = (name: string) => `${name}@example.com`;

function signUp(name: string, from: RegionId, residency?: string) {
  const input = { name, email: addressOf(name), password: PASSWORD, residency };
  return createAccount(input, from);
}

async function person(name: string, from: RegionId, residency?: string): Promise<Account> {
  const made = await signUp(name, from, residency);
  if (!made.ok) throw new Error(`${made.code}: ${made.message}`);
  return made.account;
}

const signIn = (name: string, from: RegionId) =>
  authenticate({ email: addressOf(name), password: PASSWORD }, from);

const settled = () => untilTold(planet.regions);

/** Tables of a region, its outbox among them, with a row that has the text. */
async function tablesWith(region: RegionId, text: string): Promise<string[]> {
  const { pool } = planet.region(region);
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname IN ('public', 'mr') ORDER BY 1`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const { rowCount } = await pool.query(
      `SELECT FROM ${name} t WHERE strpos(t::text, $1) > 0 LIMIT 1`,
      [text],
    );
    if (rowCount !== 0) found.push(name);
  }
  return found;
}

async function regionsWith(text: string): Promise<RegionId[]> {
  const found = await Promise.all(ALL.map((region) => tablesWith(region, text)));
  return ALL.filter((_, index) => found[index]?.length !== 0);
}

const isOnlyIn = (text: string, regions: RegionId[]) =>
  waitFor(async () => (await regionsWith(text)).join() === regions.join(), {
    timeoutMs: 40_000,
    what: `${text} to be in ${regions.join()} alone`,
  });

describe("a person who is kept in Dublin", () => {
  it("signs up from Virginia, and neither name nor address is anywhere else", async () => {
    const made = await signUp("Kathleen", US, "eu");
    expect(made).toMatchObject({
      ok: true,
      account: { name: "Kathleen", email: "Kathleen@example.com" },
      kept: { origin: EU },
      write: { origin: US },
    });
    await settled();
    for (const text of ["Kathleen", addressOf("Kathleen")]) {
      expect(await tablesWith(EU, text)).toContain('public."Profile"');
      expect(await regionsWith(text)).toEqual([EU]);
    }
    expect(made.ok && made.account.publicName).toMatch(/^Somebody [0-9a-f]{6}$/);
  });

  it("signs in from everywhere under their own name", async () => {
    const { userId, publicName } = await person("nora", AP, "eu");
    await settled();
    for (const region of ALL) {
      expect(await signIn("nora", region)).toEqual({
        ok: true,
        account: {
          userId,
          email: addressOf("nora"),
          name: "nora",
          publicName,
          role: "user",
          accountEpoch: 0,
        },
      });
      const wrong = { email: addressOf("nora"), password: "wrong horse battery" };
      expect(await authenticate(wrong, region)).toMatchObject({ code: "wrong-credentials" });
    }
  });

  it("signs in under a pseudonym where Dublin does not answer", async () => {
    const { publicName } = await person("sinead", US, "eu");
    await settled();
    planet.link(AP, EU).postgres.cut();
    try {
      expect(await signIn("sinead", AP)).toMatchObject({
        ok: true,
        account: { email: addressOf("sinead"), name: publicName, publicName },
      });
    } finally {
      planet.link(AP, EU).postgres.heal();
    }
  });

  it.each([
    ["kept", "kept", "eu", "ap"],
    ["kept", "everywhere", "eu", undefined],
    ["everywhere", "kept", undefined, "eu"],
    ["everywhere", "everywhere", undefined, undefined],
  ])("has an address of their own: %s, then %s", async (before, after, first, second) => {
    const name = `twice-${before}-${after}`;
    const { userId } = await person(name, US, first);
    expect(await signUp(name, AP, second)).toMatchObject({ ok: false, code: "email-taken" });
    expect(await signIn(name, US)).toMatchObject({ ok: true, account: { userId } });
    // What was kept of the second one is emptied.
    await settled();
    const { rows } = await planet
      .region(second === "ap" ? AP : EU)
      .pool.query(`SELECT id FROM "Profile" WHERE email = $1 AND id <> $2`, [
        addressOf(name),
        userId,
      ]);
    expect(rows).toEqual([]);
  });

  it("is not made where an account from before there was a key has the address", async () => {
    await planet
      .region(US)
      .pool.query(
        `INSERT INTO "User" (id, email, name, "passwordHash") VALUES ('old', 'old@example.com', 'Old', '')`,
      );
    expect(await signUp("old", EU, "eu")).toMatchObject({ ok: false, code: "email-taken" });
    const { rows } = await planet.region(EU).pool.query(
      `SELECT f.email, f.name FROM "Profile" f JOIN "Placement" p ON p."entityId" = f.id
         WHERE f."deletedAt" IS NOT NULL AND p."deletedAt" IS NOT NULL AND p.regions = '{eu-west-1}'`,
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toEqual({ email: "", name: "" });
  });

  it("cannot be kept in a place that there is not, or without a key", async () => {
    expect(await signUp("lost", US, "moon")).toMatchObject({ ok: false, code: "not-kept-there" });
    const topology = { ...planet.topology(US), addressSecret: null };
    const keyless = new Runtime(() => topology);
    const before = holder.meridianRuntime;
    holder.meridianRuntime = keyless;
    try {
      expect(await signUp("lost", US, "eu")).toMatchObject({ ok: false, code: "not-kept-there" });
    } finally {
      holder.meridianRuntime = before;
      await keyless.close();
    }
  });

  it("is found by their address, and known by a pseudonym elsewhere", async () => {
    const owner = await person("owner", US);
    const friend = await person("grainne", AP, "eu");
    await settled();
    const actor = { userId: owner.userId, vantage: US };
    const created = await createDocument(actor, { title: "Shared", content: "Text" });
    if (!created.ok) throw new Error(created.message);
    const documentId = created.value.id;
    const shared = await shareDocument(actor, {
      documentId,
      email: addressOf("grainne"),
      role: "editor",
    });
    expect(shared).toMatchObject({
      ok: true,
      value: { userId: friend.userId, name: friend.publicName },
    });
    await settled();
    const seenFrom = async (vantage: RegionId) =>
      (await readDocument({ ...actor, vantage }, documentId)).value?.collaborators[0];
    expect(await seenFrom(EU)).toMatchObject({ name: "grainne", email: addressOf("grainne") });
    for (const vantage of [US, AP]) {
      expect(await seenFrom(vantage)).toMatchObject({ name: friend.publicName, email: null });
    }
    expect(await regionsWith("grainne")).toEqual([EU]);
  });
});

describe("where an account is kept", () => {
  it("goes from Dublin to Singapore, and then everywhere", async () => {
    const { userId, publicName } = await person("brigid", US, "eu");
    const actor = { userId, vantage: US };
    await settled();
    const moved = await changeAccountResidency(actor, { residency: "ap" });
    expect(moved).toMatchObject({
      ok: true,
      value: { residency: "ap", publicName },
      receipt: { regionId: EU },
    });
    await isOnlyIn("brigid", [AP]);
    expect(await signIn("brigid", EU)).toMatchObject({ ok: true, account: { name: "brigid" } });

    await settled();
    const [placement] = (await readPlacements(actor, "User")).value;
    expect(placement).toMatchObject({ entity: "User", id: userId, residency: "ap", regions: [AP] });
    const presence = await readPresence(actor, { entity: "User", id: userId });
    expect(presence.filter(({ held }) => held?.rows === 1).map(({ regionId }) => regionId)).toEqual(
      [AP],
    );

    expect(await changeAccountResidency(actor, { residency: null })).toMatchObject({ ok: true });
    await isOnlyIn("brigid", ALL);
    expect((await readPlacements(actor, "User")).value).toEqual([]);
    expect((await readAccount({ ...actor, vantage: EU })).value).toEqual({
      publicName,
      kept: true,
      person: { name: "brigid", email: addressOf("brigid") },
    });
  });

  it("is everywhere until it is said, and then what others know is a pseudonym", async () => {
    const { userId } = await person("oisin", US);
    const actor = { userId, vantage: AP };
    await settled();
    await globalLeaderboard.updateScore(userId, 100, US, "oisin");
    await settled();
    expect(await regionsWith("oisin")).toEqual(ALL);
    expect(await changeAccountResidency(actor, { residency: null })).toMatchObject({
      ok: false,
      code: "invalid",
    });

    const kept = await changeAccountResidency(actor, { residency: "eu" });
    if (!kept.ok) throw new Error(kept.message);
    const { publicName } = kept.value;
    expect(kept).toMatchObject({
      receipt: { quorum: "held" },
      value: { residency: "eu", regions: [EU] },
    });
    await settled();
    expect(publicName).not.toContain("oisin");
    for (const region of [US, AP]) {
      const { rows } = await planet.region(region).pool.query(
        `SELECT u.email LIKE 'kept:%' AS kept, u.name, s.name AS player,
           EXISTS (SELECT FROM "Profile" f WHERE f.id = u.id) AS known
         FROM "User" u JOIN "PlayerScore" s USING (id) WHERE u.id = $1`,
        [userId],
      );
      expect(rows).toEqual([{ kept: true, name: publicName, player: publicName, known: false }]);
    }
    for (const region of ALL) {
      expect(await signIn("oisin", region)).toMatchObject({
        ok: true,
        account: { userId, name: "oisin", publicName },
      });
    }
    expect(await signUp("oisin", US)).toMatchObject({ ok: false, code: "email-taken" });
    // The events from before go once they are told.
    await isOnlyIn("oisin", [EU]);
  });

  it("is said again where the leader did not take it", async () => {
    const { userId } = await person("eimear", US);
    const actor = { userId, vantage: EU };
    await settled();
    const set = (until: string) =>
      Promise.all(
        planet.regions.map(({ pool }) =>
          pool.query("UPDATE mr.lease SET valid_until = $1, seen_at = '-infinity'", [until]),
        ),
      );
    await set("-infinity");
    const refused = await changeAccountResidency(actor, { residency: "eu" });
    await set("infinity");
    expect(refused).toMatchObject({ ok: false, code: "unavailable" });
    expect((await readAccount(actor)).value).toMatchObject({ kept: false });
    expect(await changeAccountResidency(actor, { residency: "ap" })).toMatchObject({ ok: true });
    await waitFor(
      async () => {
        const profiles = await Promise.all(
          planet.regions.map(async ({ pool }) => {
            const { rowCount } = await pool.query(`SELECT FROM "Profile" WHERE id = $1`, [userId]);
            return rowCount;
          }),
        );
        return profiles.join() === "0,0,1";
      },
      { timeoutMs: 20_000, what: "the profile to be in Singapore alone" },
    );
    expect((await readAccount(actor)).value).toMatchObject({
      kept: true,
      person: { name: "eimear" },
    });
  });
});
