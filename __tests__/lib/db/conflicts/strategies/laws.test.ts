import { describe, expect, test } from "vitest";
import { mergingBy } from "@/__tests__/support/histories";
import { assertLaw, LAW_NAMES } from "@/__tests__/support/laws";
import { MUTANTS } from "@/__tests__/support/mutants";
import { SCENARIOS, scenarioOf } from "@/__tests__/support/scenarios";

const SOUND = mergingBy();

describe.each(LAW_NAMES)("every join is %s", (law) => {
  test.each(SCENARIOS)("$name", { timeout: 60_000 }, (scenario) => {
    assertLaw(law, scenario, SOUND, SOUND, { numRuns: 400 });
  });
});

describe("the laws find wrong joins", () => {
  const cases = MUTANTS.flatMap((mutant) => mutant.breaks.map((law) => ({ ...mutant, law })));
  test("each law has one that breaks it", () => {
    expect(new Set(cases.map(({ law }) => law))).toEqual(new Set(LAW_NAMES));
  });

  test.each(cases)("$name is not $law", ({ law, scenario, merging }) => {
    const run = () =>
      assertLaw(law, scenarioOf(scenario), merging, SOUND, { numRuns: 10_000, endOnFailure: true });
    expect(run).toThrow(/Property failed after/);
  });
});
