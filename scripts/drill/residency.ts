import { randomBytes } from "node:crypto";
import path from "node:path";
import { Redis } from "ioredis";
import { within } from "@/lib/db/regions/faults";
import type { RegionId } from "@/lib/db/regions/region-id";
import { Runtime } from "@/lib/db/regions/runtime";
import { changeResidency } from "@/lib/documents/change-residency";
import { readDocument } from "@/lib/documents/read";
import { createDocument, deleteDocument, updateDocument } from "@/lib/documents/write";
import { createContent, moveContent, updateContent } from "@/lib/cms/edit";
import { ChildPlanet } from "@/scripts/local/child-planet";
import { postgresName } from "@/scripts/local/planet-stores";
import { signal } from "@/scripts/local/process-tools";
import { findInFiles, findInTables } from "./find-bytes";
import { openPlanet, type DrillRegion } from "./planet-runtime";
import { done, livePeople } from "./residency-people";
import { until } from "./until";

/** A text that was found where it must not be. */
export interface Leak {
  canary: string;
  where: string;
}

export interface ResidencyDrillResult {
  /** Texts that were looked for. */
  canaries: number;
  /** Files of databases and logs that were read, byte for byte. */
  files: number;
  /** Commands that Redis got meanwhile. */
  redisCommands: number;
  leaks: Leak[];
  /** Texts that were not found where they have to be: then the search proves nothing. */
  notFound: Leak[];
  /** From the decision to move until the rows were gone, in ms. */
  moveMs: number;
  seconds: number;
}

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const AP = "ap-southeast-1" as RegionId;
const RULES = { eu: [EU], ap: [AP], pair: [AP, EU] };
const OWNER = "owner";

export interface Canary {
  text: string;
  /** Regions in whose files, log of writes included, it must not be. */
  nowhereIn: readonly RegionId[];
  /** Regions whose tables must not have it in the end. */
  notInTablesOf: readonly RegionId[];
  /** Regions whose tables must have it in the end. */
  inTablesOf: readonly RegionId[];
  /** Whether it must not be in Redis and in the logs of processes. */
  secret: boolean;
  /** Whether Redis must have been told of it. */
  told?: boolean;
}

/** So that the search has something to find. */
const FOR_ALL = {
  nowhereIn: [],
  notInTablesOf: [],
  inTablesOf: [US, EU, AP],
  secret: false,
} as const;

/**
 * Writes unmistakable texts into pinned documents, by way of everything that can happen to one, and then
 * looks for them in all that the other regions have: every byte of their databases' files, every row,
 * what Redis was told and has, and what the processes logged.
 */
export async function drillResidency({
  log,
}: {
  log: (line: string) => void;
}): Promise<ResidencyDrillResult> {
  const startedMs = performance.now();
  const planet = new ChildPlanet(["--headless"]);
  const holder = globalThis as { meridianRuntime?: Runtime };
  let close: () => Promise<void> = async () => undefined;
  try {
    log("starting a planet");
    await planet.start();
    const opened = openPlanet(planet);
    const addressSecret = randomBytes(24).toString("hex");
    const topology = { ...opened.topology, residencies: RULES, addressSecret };
    const runtime = new Runtime(() => topology);
    holder.meridianRuntime = runtime;
    const monitor = await watchRedis(topology.endpoints(US, US).redis);
    close = async () => {
      delete holder.meridianRuntime;
      monitor.close();
      await runtime.close();
      await Promise.all(opened.regions.map(({ pool }) => pool.end()));
    };
    const { canaries, moveMs } = await live(planet, opened.regions, log);
    log("looking for what was written");
    const search = await lookFor(planet, opened.regions, canaries, monitor);
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    return { canaries: canaries.length, moveMs, seconds, ...search };
  } finally {
    await close();
    await planet.stop();
  }
}

/** All that can happen to a pinned document. */
async function live(
  planet: ChildPlanet,
  regions: readonly DrillRegion[],
  log: (line: string) => void,
): Promise<{ canaries: Canary[]; moveMs: number }> {
  const canaries: Canary[] = [];
  const make = (canary: Omit<Canary, "text">): string => {
    const text = `canary-${randomBytes(9).toString("hex")}`;
    canaries.push({ text, ...canary });
    return text;
  };
  const inEu = () =>
    make({ nowhereIn: [US, AP], notInTablesOf: [US, AP], inTablesOf: [EU], secret: true });
  const inPair = () =>
    make({ nowhereIn: [US], notInTablesOf: [US], inTablesOf: [EU, AP], secret: true });
  const pool = (id: RegionId) => regions.find((region) => region.id === id)!.pool;
  const from = (vantage: RegionId) => ({ userId: OWNER, vantage });

  log("a document for all, so that the search has something to find");
  const everywhere = make({ ...FOR_ALL, told: false });
  await done(createDocument(from(US), { title: everywhere, content: everywhere }));

  log("created from Virginia, kept in Dublin; edited from Singapore");
  const kept = await done(
    createDocument(from(US), { title: inEu(), content: inEu(), residency: "eu" }),
  );
  await edit(from(AP), kept.id, { content: inEu(), summary: inEu() });

  log("kept in two regions that cannot hear each other: a conflict");
  const pair = await done(
    createDocument(from(US), { title: inPair(), content: inPair(), residency: "pair" }),
  );
  await until("the second region to have it", async () => has(pool(AP), pair.id));
  const shown = await readDocument(from(EU), pair.id);
  for (const [a, b] of [
    [EU, AP],
    [AP, EU],
  ])
    await planet.control("POST", `/links/${a}/${b}`, { cut: "both" });
  const base = shown.value!.document.clock;
  for (const vantage of [EU, AP]) {
    const summary = inPair();
    await done(updateDocument(from(vantage), { documentId: pair.id, summary, baseVersion: base }));
  }
  await planet.control("POST", "/reset", {});
  await until("the conflict in both regions", async () => {
    const seen = await Promise.all([EU, AP].map((id) => conflictsOf(pool(id), pair.id)));
    return seen.every((n) => n > 0);
  });

  log("an event that one of the two cannot store: a dead letter");
  await pool(AP).query(
    `ALTER TABLE "Document" ADD CONSTRAINT no_poison CHECK (title NOT LIKE '%poison%')`,
  );
  await edit(from(EU), pair.id, { title: `${inPair()} poison` });
  await until("the dead letter", async () => {
    const { rowCount } = await pool(AP).query(
      `SELECT FROM mr.dead_letter WHERE open AND entity_id = $1`,
      [pair.id],
    );
    return rowCount !== 0;
  });
  await pool(AP).query(`ALTER TABLE "Document" DROP CONSTRAINT no_poison`);
  await pool(AP).query(`SELECT mr.retry_dead_letters('Document', $1)`, [pair.id]);

  log("moved from Dublin to Singapore, and edited there");
  const goes = await done(
    createDocument(from(EU), {
      title: make({ nowhereIn: [US], notInTablesOf: [US, EU], inTablesOf: [AP], secret: true }),
      content: "moves",
      residency: "eu",
    }),
  );
  const movedMs = performance.now();
  await done(changeResidency(from(EU), { documentId: goes.id, residency: "ap" }));
  await until(
    "the rows to be where they are kept",
    async () => (await has(pool(AP), goes.id)) && !(await has(pool(EU), goes.id)),
  );
  const moveMs = Math.round(performance.now() - movedMs);
  await edit(from(US), goes.id, {
    summary: make({ nowhereIn: [US, EU], notInTablesOf: [US, EU], inTablesOf: [AP], secret: true }),
  });

  log("an article, with its history, published from Virginia");
  await pool(US).query(
    `INSERT INTO "User" (id, email, name, "passwordHash", role)
     VALUES ($1, 'reviewer@drill.example', 'Reviewer', '', 'admin')`,
    [OWNER],
  );
  await until("the reviewer to be known in Dublin", async () => {
    const { rowCount } = await pool(EU).query(`SELECT FROM "User" WHERE id = $1`, [OWNER]);
    return rowCount === 1;
  });
  const article = {
    slug: `kept-${randomBytes(4).toString("hex")}`,
    title: inEu(),
    body: inEu(),
    residency: "eu",
  };
  const drafted = await done(createContent(from(US), article));
  const contentId = drafted.id;
  const changed = await done(
    updateContent(from(AP), { contentId, body: inEu(), baseVersion: drafted.clock }),
  );
  const sent = await done(
    moveContent(from(US), { contentId, move: "submit", baseVersion: changed.clock }),
  );
  await done(moveContent(from(US), { contentId, move: "publish", baseVersion: sent.clock }));

  await livePeople({ regions: { US, EU, AP }, owner: OWNER, documentId: kept.id, pool, make, log });

  log("the leader is killed, and edits go on");
  const victim = planet.cluster().regions.find(({ id }) => id === US);
  if (victim?.pid) signal(victim.pid, "SIGKILL");
  await edit(from(AP), kept.id, { summary: inEu() });
  await edit(from(AP), pair.id, { summary: inPair() });
  await until("the killed database to be back", async () => {
    await pool(US).query("SELECT 1");
    return true;
  });

  log("deleted");
  const gone = await done(
    createDocument(from(US), { title: inEu(), content: inEu(), residency: "eu" }),
  );
  await done(deleteDocument(from(AP), gone.id));

  log("until everything that was written has been told");
  const last = make({ ...FOR_ALL, told: true });
  for (const { id } of regions)
    await done(createDocument(from(id), { title: last, content: last }));
  for (const { id } of regions) {
    await until(`the last writes to be in ${id}`, async () => {
      const { rowCount } = await pool(id).query(`SELECT FROM "Document" WHERE title = $1`, [last]);
      return rowCount === regions.length;
    });
  }
  return { canaries, moveMs };
}

async function lookFor(
  planet: ChildPlanet,
  regions: readonly DrillRegion[],
  canaries: readonly Canary[],
  monitor: RedisMonitor,
): Promise<Pick<ResidencyDrillResult, "files" | "redisCommands" | "leaks" | "notFound">> {
  const leaks: Leak[] = [];
  const notFound: Leak[] = [];
  const texts = canaries.map(({ text }) => text);
  let files = 0;
  const folders: string[] = [];
  for (const { id, pool } of regions) {
    await pool.query("CHECKPOINT");
    const { rows } = await pool.query<{ folder: string }>(
      "SELECT current_setting('data_directory') AS folder",
    );
    const folder = rows[0]!.folder;
    folders.push(folder);
    const bytes = await findInFiles(folder, texts);
    files += bytes.files;
    const tables = await findInTables(pool, texts);
    for (const { text, nowhereIn, notInTablesOf, inTablesOf } of canaries) {
      for (const file of nowhereIn.includes(id) ? (bytes.found.get(text) ?? []) : []) {
        leaks.push({ canary: text, where: file });
      }
      for (const table of notInTablesOf.includes(id) ? (tables.get(text) ?? []) : []) {
        leaks.push({ canary: text, where: `${table} of ${id}` });
      }
      if (inTablesOf.includes(id) && !tables.has(text)) {
        notFound.push({ canary: text, where: `the tables of ${id}` });
      }
      if (inTablesOf.includes(id) && !bytes.found.has(text)) {
        notFound.push({ canary: text, where: `the files of ${id}` });
      }
    }
  }
  // Logs, Redis's own files, and whatever else the processes left behind.
  const rest = await findInFiles(planet.dir, texts);
  files += rest.files;
  const told = monitor.text();
  for (const { text, secret, nowhereIn, told: mustBeTold } of canaries) {
    const outside = (rest.found.get(text) ?? []).filter(
      (file) => !folders.some((folder) => file.startsWith(folder)),
    );
    if (!secret) {
      if (mustBeTold && !told.includes(text))
        notFound.push({ canary: text, where: "what Redis was told" });
      continue;
    }
    // The log of a database that may have it may quote a row that it refused.
    const allowed = regions.filter(({ id }) => !nowhereIn.includes(id)).map(({ id }) => id);
    leaks.push(
      ...outside
        .filter((file) => !allowed.some((id) => path.basename(file) === `${postgresName(id)}.log`))
        .map((where) => ({ canary: text, where })),
    );
    if (told.includes(text)) leaks.push({ canary: text, where: "what Redis was told" });
  }
  return { files, redisCommands: monitor.count(), leaks, notFound };
}

interface RedisMonitor {
  text(): string;
  count(): number;
  close(): void;
}

/** Everything that Redis is told from now on. */
async function watchRedis(url: string | null): Promise<RedisMonitor> {
  if (url === null) throw new Error("This drill needs Redis.");
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  const monitor = await redis.monitor();
  const told: string[] = [];
  monitor.on("monitor", (_time: string, args: string[]) => told.push(args.join(" ")));
  return {
    text: () => told.join("\n"),
    count: () => told.length,
    close: () => {
      monitor.disconnect();
      redis.disconnect();
    },
  };
}

async function has(pool: DrillRegion["pool"], documentId: string): Promise<boolean> {
  const { rowCount } = await pool.query(`SELECT FROM "Document" WHERE id = $1`, [documentId]);
  return rowCount === 1;
}

async function conflictsOf(pool: DrillRegion["pool"], documentId: string): Promise<number> {
  const { rowCount } = await pool.query(`SELECT FROM "Conflict" WHERE "entityId" = $1`, [
    documentId,
  ]);
  return rowCount ?? 0;
}

/** Changes the document as it is now. Tries again: its region may be out of reach for a moment. */
async function edit(
  actor: { userId: string; vantage: RegionId },
  documentId: string,
  changes: { title?: string; summary?: string; content?: string },
): Promise<void> {
  await until("an edit to be taken", async () => {
    const { value } = await within(5_000, readDocument(actor, documentId));
    if (!value) return false;
    const baseVersion = value.document.clock;
    const outcome = await updateDocument(actor, { documentId, ...changes, baseVersion });
    return outcome.ok;
  });
}
