import { authenticate, createAccount, type Account } from "@/lib/auth/accounts";
import { changeAccountResidency } from "@/lib/auth/change-account-residency";
import type { RegionId } from "@/lib/db/regions/region-id";
import type { WriteOutcome } from "@/lib/documents/types";
import { createDocument, shareDocument } from "@/lib/documents/write";
import { globalLeaderboard } from "@/lib/gaming/leaderboard";
import type { DrillRegion } from "./planet-runtime";
import type { Canary } from "./residency";
import { until } from "./until";

const PASSWORD = "a password of the drill";

interface People {
  regions: Record<"US" | "EU" | "AP", RegionId>;
  /** Of the document. */
  owner: string;
  /** One that is kept in Dublin. */
  documentId: string;
  pool: (id: RegionId) => DrillRegion["pool"];
  make: (canary: Omit<Canary, "text">) => string;
  log: (line: string) => void;
}

/** All that can happen to a person who is kept somewhere: their name and address are texts to be looked for. */
export async function livePeople(people: People): Promise<void> {
  const { owner, documentId, pool, make, log } = people;
  const { US, EU, AP } = people.regions;
  const inEu = (inTablesOf: RegionId[] = [EU]) =>
    make({ nowhereIn: [US, AP], notInTablesOf: [US, AP], inTablesOf, secret: true });
  const moved = () =>
    make({ nowhereIn: [US], notInTablesOf: [US, EU], inTablesOf: [AP], secret: true });

  log("a person who is kept in Dublin signs up in Virginia, and in from Singapore");
  const account = await signUp(US, inEu(), inEu());
  const { userId, email, publicName } = account;
  await until("the person to be let in from Singapore", async () => {
    const entered = await authenticate({ email, password: PASSWORD }, AP);
    return entered.ok && entered.account.name === account.name;
  });
  await done(shareDocument({ userId: owner, vantage: US }, { documentId, email, role: "editor" }));
  const other = { userId: owner, vantage: AP };
  const forAll = await done(createDocument(other, { title: "for all", content: "for all" }));
  await done(shareDocument(other, { documentId: forAll.id, email, role: "viewer" }));
  await globalLeaderboard.updateScore(userId, 100, AP, publicName);

  log("another one cannot have that address, and leaves no name");
  const twice = { name: inEu([]), email, password: PASSWORD, residency: "eu" };
  const refused = await createAccount(twice, US);
  if (refused.ok || refused.code !== "email-taken") throw new Error("An address was given twice.");

  log("and one moves from Dublin to Singapore");
  const leaver = await signUp(US, moved(), moved());
  const traveller = { userId: leaver.userId, vantage: US };
  await done(changeAccountResidency(traveller, { residency: "ap" }));
  await until("the person to have left Dublin", async () => {
    const { rowCount } = await pool(EU).query(`SELECT FROM "Profile" WHERE id = $1`, [
      leaver.userId,
    ]);
    return rowCount === 0;
  });
}

async function signUp(from: RegionId, name: string, local: string): Promise<Account> {
  const email = `${local}@drill.example`;
  const made = await createAccount({ name, email, password: PASSWORD, residency: "eu" }, from);
  if (!made.ok) throw new Error(`${made.code}: ${made.message}`);
  return made.account;
}

export async function done<T>(outcome: Promise<WriteOutcome<T>>): Promise<T> {
  const result = await outcome;
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.value;
}
