import { z } from "zod";
import { ConfigurationError } from "@/lib/errors";

/** Rules by name: the regions in which what is placed by one may be. */
export type Residencies = Readonly<Record<string, readonly string[]>>;

const NAME = /^[a-z][a-z0-9-]{0,30}$/;

const schema = z.record(z.string().regex(NAME), z.array(z.string()).min(1));

function fail(expected: string): never {
  throw new ConfigurationError(`RESIDENCIES is invalid: expected ${expected}.`, {
    variables: ["RESIDENCIES"],
  });
}

/** One rule for each beginning of a region's id: us, eu and ap of the default regions. */
function byBeginning(regionIds: readonly string[]): Residencies {
  const rules: Record<string, string[]> = {};
  for (const id of regionIds) {
    const name = id.split("-")[0] ?? id;
    (rules[name] ??= []).push(id);
  }
  return rules;
}

/**
 * The rules named by RESIDENCIES, such as `{"eu":["eu-west-1"]}`, or one for each beginning of a
 * region's id. What was placed by a rule stays where that said when the rule is changed.
 *
 * @throws ConfigurationError
 */
export function parseResidencies(
  json: string | undefined,
  regionIds: readonly string[],
): Residencies {
  if (json === undefined) return byBeginning(regionIds);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    fail("a JSON object of names and lists of regions");
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) fail("a JSON object of lower-case names and lists of one or more regions");
  for (const [name, regions] of Object.entries(parsed.data)) {
    const unknown = regions.find((id) => !regionIds.includes(id));
    if (unknown !== undefined) fail(`regions that are configured, "${name}" has "${unknown}"`);
  }
  return Object.fromEntries(
    Object.entries(parsed.data).map(([name, regions]) => [name, [...new Set(regions)].sort()]),
  );
}
