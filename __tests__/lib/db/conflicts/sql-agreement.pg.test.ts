import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACTORS, history, type Scenario } from "@/__tests__/support/histories";
import { SCENARIOS, scenarioOf } from "@/__tests__/support/scenarios";
import {
  createEntity,
  takeClock,
  SqlHistory,
  type SqlScenario,
} from "@/__tests__/support/sql-histories";
import { createRegions, type TestRegions } from "@/__tests__/support/stores";

/** Of each scenario: more than 500 together. */
const HISTORIES = 40;
const SEED = Number(process.env.MERIDIAN_SEED ?? Date.now() % 2 ** 31);
const AT_ONCE = 8;

const TYPES: Readonly<Record<string, string>> = {
  max: "integer",
  min: "numeric",
  "pn-counter": "integer",
  "bounded-counter": "integer",
  "or-set": "text[]",
};

function typesOf({ name, insert }: Scenario): SqlScenario["types"] {
  const columns = Object.entries(insert(1, 0)).filter(([column]) => column !== "deletedAt");
  return Object.fromEntries(
    columns.map(([column, value]) => [
      column,
      (column === "x" ? TYPES[name] : undefined) ??
        (typeof value === "number" ? "integer" : "text"),
    ]),
  );
}

const ENTITIES: readonly SqlScenario[] = [
  ...SCENARIOS.map((scenario, index) => ({
    scenario,
    table: `Agreement${index}`,
    types: typesOf(scenario),
  })),
  {
    scenario: scenarioOf("or-set"),
    table: "AgreementJson",
    types: { ...typesOf(scenarioOf("or-set")), x: "jsonb" },
  },
];

describe("the database merges as the model does", () => {
  let planet: TestRegions;
  beforeAll(async () => {
    planet = await createRegions();
    for (const { pool } of planet.regions) {
      await takeClock(pool);
      // Rights go to known regions only, and histories have more of them than there are databases.
      await pool.query(
        "INSERT INTO mr.region (id) SELECT split_part(a, '#', 1) FROM unnest($1::text[]) a ON CONFLICT DO NOTHING",
        [ACTORS],
      );
      for (const entity of ENTITIES) await createEntity(pool, entity);
    }
  });
  afterAll(() => planet.drop());

  test.each(
    ENTITIES.map((entity) => ({ name: `${entity.scenario.name} (${entity.table})`, entity })),
  )("$name", { timeout: 120_000 }, async ({ entity }) => {
    const samples = fc.sample(history, { numRuns: HISTORIES, seed: SEED });
    let events = 0;
    const play = async (index: number): Promise<void> => {
      const of = samples[index];
      if (of === undefined) return;
      const played = new SqlHistory(entity, `row-${index}`, planet.regions);
      await played.play(of).catch((cause: unknown) => {
        throw new Error(`MERIDIAN_SEED=${SEED}, history ${index}: ${String(cause)}`, { cause });
      });
      events += played.events;
      await play(index + AT_ONCE);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => play(index)));
    expect(events).toBeGreaterThan(HISTORIES);
  });
});
