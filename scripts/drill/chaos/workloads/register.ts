import { ReadYourWritesManager } from "@/lib/db/read-your-writes";
import { RegionTimeoutError } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { writeRow, type WrittenRow } from "@/lib/db/writes/write-row";
import type { PrismaClient } from "@/lib/generated/prisma/client";
import { CLIENT_WAIT_MS, client, detailOf, newName, type World } from "@/scripts/drill/chaos/world";

export const REGISTER = "register";

const REGISTERS = 3;
const PAUSE_MS = 250;
/** A register is left for a new one after so many steps: its history stays short enough to be searched. */
const STEPS = 60;

interface Register {
  key: string;
  steps: number;
  /** What a client may expect to find: the last value that one of them was told of. */
  last: string;
}

/** Clients in every region, who share a few registers and read, and compare and swap them. */
export function shareRegisters(world: World): Promise<void> {
  const fresh = (): Register => ({ key: newName(REGISTER), steps: 0, last: "" });
  const registers = Array.from({ length: REGISTERS }, fresh);
  const clients = world.regions.map((vantage) =>
    client(world, PAUSE_MS, async () => {
      const at = Math.floor(world.random() * REGISTERS);
      if (registers[at]!.steps >= STEPS) registers[at] = fresh();
      const register = registers[at]!;
      register.steps += 1;
      if (world.random() < 0.4) await read(world, vantage, register);
      else await compareAndSwap(world, vantage, register);
    }),
  );
  return Promise.all(clients).then(() => undefined);
}

async function read(
  { history, runtime }: World,
  vantage: RegionId,
  register: Register,
): Promise<void> {
  const { key } = register;
  const called = history.invoke("register/read", vantage, { key });
  try {
    const { data, receipt } = await new ReadYourWritesManager(runtime).ensureConsistency(
      "chaos-register",
      vantage,
      (db) => find(db, key),
      { level: "strong", of: "User", vantage },
    );
    // A region that could not show that it leads says so, and then anybody's value may be newer.
    if (receipt.stale) return called.info(receipt.reason);
    // Of what it shows a part may yet be lost with the leader.
    if (receipt.quorum === "unconfirmed") return called.info(receipt.quorum);
    register.last = data?.value ?? "";
    called.ok({ value: register.last });
  } catch (error) {
    called.info(detailOf(error));
  }
}

async function compareAndSwap(world: World, vantage: RegionId, register: Register): Promise<void> {
  const { key, last: from } = register;
  const to = newName("v");
  const called = world.history.invoke("register/cas", vantage, { key, from, to });
  const attempt = new Swap(key, from, to);
  try {
    const outcome = await writeRow("User", vantage, (db) => attempt.run(db), {
      durability: "quorum",
      waitMs: CLIENT_WAIT_MS,
      runtime: world.runtime,
    });
    if (outcome.kind === "refused") return called.fail(outcome.detail);
    if (outcome.kind === "indeterminate") return called.info(outcome.detail);
    if (outcome.confirmation.kind === "indeterminate")
      return called.info(outcome.confirmation.detail);
    const { swapped } = outcome.value;
    // It may have been done by an attempt that was not answered, and undone by others since.
    if (!swapped && attempt.mayHaveSwapped) return called.info("an earlier attempt is not known");
    if (swapped) register.last = to;
    called.ok({ swapped });
  } catch (error) {
    called.info(detailOf(error));
  }
}

interface Found extends WrittenRow {
  value: string;
}

async function find(db: PrismaClient, key: string): Promise<Found | null> {
  const rows = await db.$queryRaw<Found[]>`
    SELECT id, name AS value, origin, position FROM "User" WHERE id = ${key}`;
  return rows[0] ?? null;
}

/** One compare-and-swap, however often it has to be tried. What it finds is confirmed as what it writes is. */
class Swap {
  private unanswered = false;
  private written = false;

  constructor(
    private readonly key: string,
    private readonly from: string,
    private readonly to: string,
  ) {}

  get mayHaveSwapped(): boolean {
    return this.unanswered || this.written;
  }

  async run(db: PrismaClient): Promise<WrittenRow & { swapped: boolean }> {
    const { key, from, to } = this;
    const before = this.unanswered;
    this.unanswered = true;
    const made = from === "" ? await this.insert(db) : await this.update(db);
    if (made) {
      this.written = true;
      return { ...made, swapped: true };
    }
    const found = await find(db, key);
    this.unanswered = before;
    // None is there to be compared with, and none that a quorum could confirm.
    if (!found) throw new RegionTimeoutError(0);
    if (found.value === to) return { ...found, swapped: true };
    if (found.value === from) throw new RegionTimeoutError(0);
    return { ...found, swapped: false };
  }

  private async insert(db: PrismaClient): Promise<WrittenRow | undefined> {
    const { key, to } = this;
    const rows = await db.$queryRaw<WrittenRow[]>`
      INSERT INTO "User" (id, email, name, "passwordHash")
      VALUES (${key}, ${`${key}@example.com`}, ${to}, 'x') ON CONFLICT (id) DO NOTHING
      RETURNING id, origin, position`;
    return rows[0];
  }

  private async update(db: PrismaClient): Promise<WrittenRow | undefined> {
    const { key, from, to } = this;
    const rows = await db.$queryRaw<WrittenRow[]>`
      UPDATE "User" SET name = ${to} WHERE id = ${key} AND name = ${from}
      RETURNING id, origin, position`;
    return rows[0];
  }
}
