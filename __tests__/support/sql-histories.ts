import { type Pool } from "pg";
import { type Json } from "@/lib/db/conflicts/conflict-record";
import { toHlc } from "@/lib/db/conflicts/hlc";
import { conflictRecord, type Choice } from "@/lib/db/conflicts/strategies/choices";
import { mergeRows } from "@/lib/db/conflicts/strategies/join-rows";
import { writeRow } from "@/lib/db/conflicts/strategies/local-write";
import { type Row } from "@/lib/db/conflicts/strategies/row";
import { type VectorClock } from "@/lib/db/conflicts/vector-clock";
import {
  decode,
  expectSameRow,
  numbers,
  printRow,
  shuffle,
  type History,
  type LogEntry,
  type Move,
  type Scenario,
  type Seen,
  type Step,
} from "./histories";

/** A scenario with a table of its own in each of the databases. */
export interface SqlScenario {
  readonly scenario: Scenario;
  readonly table: string;
  /** Of its data columns, by name. */
  readonly types: Readonly<Record<string, string>>;
}

export interface SqlRegion {
  readonly id: string;
  readonly pool: Pool;
}

/** Makes the table as an entity under the scenario's policy. */
export async function createEntity(pool: Pool, { scenario, table, types }: SqlScenario) {
  const columns = Object.entries(types).map(([name, type]) => `"${name}" ${type},`);
  await pool.query(`CREATE TABLE "${table}" (id text PRIMARY KEY, ${columns.join(" ")}
    "deletedAt" timestamptz(3), clock jsonb NOT NULL DEFAULT '{}', hlc bigint NOT NULL DEFAULT 0,
    origin text NOT NULL DEFAULT '', position bigint NOT NULL DEFAULT 0,
    "merge" jsonb NOT NULL DEFAULT '{}')`);
  await pool.query("SELECT mr.declare($1, $2)::text", [table, scenario.policy]);
}

/** Lets the statements of a history say what time it is: often the same, and sometimes back. */
export async function takeClock(pool: Pool): Promise<void> {
  await pool.query(`CREATE OR REPLACE FUNCTION mr.hlc_now() RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN coalesce(nullif(current_setting('test.now', true), ''), '0')::bigint << 16`);
}

interface Place extends SqlRegion {
  row: Row | null;
  seen: Seen;
  inbox: SqlEvent[];
  readonly shown: { clock: VectorClock; seen: Seen }[];
  readonly choices: Choice[];
}

interface SqlEvent {
  /** The row of the outbox as JSON text. */
  readonly text: string;
  readonly row: Row;
  readonly seen: Seen;
  readonly from: Place;
}

/** A row as `to_jsonb` prints it. The clocks here are small enough for numbers. */
function parseRow({ scenario, types }: SqlScenario, text: string): Row {
  const json = JSON.parse(text) as Record<string, Json>;
  const { id, deletedAt, clock, hlc, origin, merge } = json;
  const row: Row = {
    id: String(id),
    values: Object.fromEntries(Object.keys(types).map((name) => [name, json[name] ?? null])),
    deletedAt: deletedAt === null ? null : new Date(String(deletedAt)).toISOString(),
    clock: clock as VectorClock,
    hlc: toHlc(String(hlc)),
    origin: String(origin),
    merge: merge as Row["merge"],
  };
  // A write stores what follows from the insert; a join does not. Both mean the same.
  return mergeRows(scenario.policy, row, row).row;
}

const isError = (error: unknown, code: string) =>
  typeof error === "object" && error !== null && "code" in error && error.code === code;

/** A history of one row, in the databases and in the model at once, compared at every step. */
export class SqlHistory {
  readonly #what: SqlScenario;
  readonly #id: string;
  readonly #places: readonly Place[];
  readonly #events: SqlEvent[] = [];
  readonly #log: LogEntry[] = [];

  constructor(what: SqlScenario, id: string, regions: readonly SqlRegion[]) {
    this.#what = what;
    this.#id = id;
    this.#places = regions.map(({ id, pool }) => ({
      id,
      pool,
      row: null,
      seen: 0,
      inbox: [],
      shown: [],
      choices: [],
    }));
  }

  get events(): number {
    return this.#events.length;
  }

  /** Throws where the databases differ from the model, or in the end from each other. */
  async play({ order, commands }: History): Promise<void> {
    let sides = 0;
    for (const command of commands) {
      const move = decode(command, this.#places.length);
      const place = this.#places[move.region] as Place;
      const side = (of: Place) => (sides >> this.#places.indexOf(of)) & 1;
      if (move.kind === "part") sides = move.pick;
      else if (move.kind === "write") await this.#write(place, move);
      else {
        const reached = place.inbox.filter(({ from }) => side(from) === side(place));
        const event = reached[move.pick % Math.max(reached.length, 1)];
        if (event === undefined) continue;
        await this.#deliver(place, [event]);
        if (!move.again) place.inbox = place.inbox.filter((other) => other !== event);
      }
    }
    const next = numbers(order);
    for (const place of this.#places) await this.#deliverAll(place, next);
    await this.#compareEnds();
  }

  async #deliverAll(place: Place, next: (below: number) => number): Promise<void> {
    const again = this.#events.filter(({ from }) => from !== place && next(4) === 0);
    const events = shuffle([...place.inbox, ...again], next);
    // As batches: some rows of one origin, in any order, in one call.
    while (events.length > 0) {
      const { from } = events[0] as SqlEvent;
      const batch = events.filter((event) => event.from === from).slice(0, 1 + next(3));
      for (const event of batch) events.splice(events.indexOf(event), 1);
      await this.#deliver(place, batch);
    }
  }

  async #deliver(place: Place, events: readonly SqlEvent[]): Promise<void> {
    const { table, scenario } = this.#what;
    await place.pool.query(
      `SELECT mr."apply_${table}"((SELECT array_agg(jsonb_populate_record(NULL::mr."outbox_${table}", e))
       FROM unnest($1::jsonb[]) e))::text`,
      [events.map(({ text }) => text)],
    );
    // Of rows of one origin the last includes the others: they are no versions to choose from.
    const newest = events.reduce((a, b) => (b.row.hlc > a.row.hlc ? b : a));
    let row = newest.row;
    if (place.row !== null) {
      const merged = mergeRows(scenario.policy, place.row, newest.row);
      place.choices.push(...merged.choices);
      row = merged.row;
    }
    const seen = events.reduce((all, event) => all | event.seen, place.seen);
    await this.#settle(place, row, seen, "after a delivery");
  }

  async #settle(place: Place, row: Row, seen: Seen, when: string): Promise<void> {
    const found = await this.#read(place);
    if (found === null) throw new Error(`No row ${when}`);
    expectSameRow(found, row, `${place.id} and the model ${when}`);
    this.#what.scenario.always?.(row);
    place.row = row;
    place.seen = seen;
    place.shown.push({ clock: row.clock, seen });
  }

  async #read(place: Place): Promise<Row | null> {
    const text = await this.#text(place);
    return text === null ? null : parseRow(this.#what, text);
  }

  async #text({ pool }: Place): Promise<string | null> {
    const { rows } = await pool.query<{ row: string }>(
      `SELECT to_jsonb(t)::text AS row FROM "${this.#what.table}" t WHERE id = $1`,
      [this.#id],
    );
    return rows[0]?.row ?? null;
  }

  async #write(place: Place, { pick, base: old, nowMs }: Move): Promise<void> {
    const { scenario } = this.#what;
    const write = this.#events.length;
    const before = place.row;
    const base = before === null || old === null ? null : place.shown[old % place.shown.length];
    const step: Step =
      before === null
        ? { changes: { id: this.#id, ...scenario.insert(pick, write) } }
        : scenario.update(before, pick, write, place.id);
    const kind = await this.#store(place, step, base?.clock ?? null, nowMs);
    const outcome = writeRow(scenario.policy, before, {
      actor: place.id,
      nowMs,
      ...step,
      ...(base && { base: base.clock }),
    });
    if (outcome.kind !== kind) {
      throw new Error(
        `${place.id} says ${kind}, the model ${outcome.kind}: ${JSON.stringify(step)}`,
      );
    }
    if (outcome.kind === "written" || outcome.kind === "unchanged") {
      place.choices.push(...outcome.choices);
    }
    if (outcome.kind !== "written") return;
    const seen = base?.seen ?? place.seen;
    this.#log.push({ write, seen, before, after: outcome.row, changes: step.changes });
    const what = `after ${JSON.stringify(step)} on ${before === null ? "nothing" : printRow(before)}`;
    await this.#settle(place, outcome.row, place.seen | (1 << write), what);
    await this.#publish(place);
  }

  async #publish(place: Place): Promise<void> {
    const row = place.row as Row;
    const { rows } = await place.pool.query<{ text: string }>(
      `SELECT to_jsonb(o)::text AS text FROM mr."outbox_${this.#what.table}" o WHERE id = $1 AND hlc = $2`,
      [this.#id, row.hlc.toString()],
    );
    if (rows.length !== 1) throw new Error(`${rows.length} events of one write`);
    const event = { text: rows[0]?.text ?? "", row, seen: place.seen, from: place };
    this.#events.push(event);
    for (const other of this.#places) if (other !== place) other.inbox.push(event);
  }

  async #store(place: Place, step: Step, base: VectorClock | null, nowMs: number) {
    const { table } = this.#what;
    const values: Record<string, Json> = {
      ...step.changes,
      ...(base && { clock: base }),
      ...(step.transfer && { merge: { $transfer: step.transfer } }),
    };
    const names = Object.keys(values).map((name) => `"${name}"`);
    const from = `jsonb_populate_record(NULL::"${table}", $1) r,
      (SELECT set_config('test.now', $2, false) AS now) c WHERE c.now IS NOT NULL`;
    const [statement, more] =
      place.row === null
        ? [
            `INSERT INTO "${table}" (${names.join(", ")}) SELECT ${names.join(", ")} FROM ${from}`,
            [],
          ]
        : [
            `UPDATE "${table}" t SET ${names.map((name) => `${name} = r.${name}`).join(", ")}
             FROM ${from} AND t.id = $3`,
            [this.#id],
          ];
    try {
      const { rowCount } = await place.pool.query(statement, [values, String(nowMs), ...more]);
      return rowCount === 0 ? "unchanged" : "written";
    } catch (error) {
      if (isError(error, "MR005")) return "no-rights";
      throw error;
    }
  }

  async #compareEnds(): Promise<void> {
    const [first, ...others] = this.#places.flatMap(({ row }) => (row === null ? [] : [row]));
    if (first === undefined) return;
    for (const other of others) expectSameRow(first, other, "Two regions end unequal");
    this.#what.scenario.check?.(first, this.#log);
    const texts = await Promise.all(this.#places.map((place) => this.#text(place)));
    if (new Set(texts).size !== 1) throw new Error(`Rows differ as text:\n  ${texts.join("\n  ")}`);
    for (const place of this.#places) await this.#compareRecords(place);
  }

  /** What a database has recorded is what the model chose. */
  async #compareRecords(place: Place): Promise<void> {
    const { table } = this.#what;
    const { rows } = await place.pool.query<
      Record<"id" | "field" | "strategy" | "outcome", string> & {
        versions: Choice["versions"];
      }
    >(
      `SELECT id, field, strategy, outcome, versions FROM "Conflict" WHERE "entityType" = $1 AND "entityId" = $2`,
      [table, this.#id],
    );
    const records = place.choices.map((choice) => conflictRecord(table, this.#id, choice));
    const [found, expected] = [rows, records].map((all) => [...new Set(all.map(markOf))].sort());
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      throw new Error(
        `Records of ${place.id}:\n  ${found?.join("\n  ")}\nof the model:\n  ${expected?.join("\n  ")}`,
      );
    }
  }
}

/** The id of a record of deletions depends on how times are printed. */
const markOf = (record: {
  id: string;
  field: string;
  strategy: string;
  outcome: string;
  versions: Choice["versions"];
}) => {
  const { id, field, strategy, outcome, versions } = record;
  const timed = field === "$deleted" || field === "*" || field === "deletedAt";
  const marks = versions.map(({ hlc, origin, won }) => `${hlc} ${origin} ${won}`);
  return [field, strategy, outcome, ...marks, timed ? "" : id].join("|");
};
