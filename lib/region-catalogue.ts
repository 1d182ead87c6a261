import { z } from "zod";
import { ConfigurationError } from "@/lib/errors";

/** A region as configured, without its endpoints: enough for routing, names and maps. */
export interface RegionEntry {
  id: string;
  /** Long name, for people. */
  name: string;
  city: string;
  latitude: number;
  longitude: number;
  /** Initial leader of single-leader entities. Who leads later is decided in the databases. */
  isPrimary: boolean;
  /** Middle part of its variables: US_EAST in DB_US_EAST_READ. */
  envKey: string;
}

export const DEFAULT_REGIONS: readonly RegionEntry[] = [
  {
    id: "us-east-1",
    name: "US East (N. Virginia)",
    city: "Virginia",
    latitude: 38.95,
    longitude: -77.45,
    isPrimary: true,
    envKey: "US_EAST",
  },
  {
    id: "eu-west-1",
    name: "EU West (Ireland)",
    city: "Dublin",
    latitude: 53.35,
    longitude: -6.26,
    isPrimary: false,
    envKey: "EU_WEST",
  },
  {
    id: "ap-southeast-1",
    name: "Asia Pacific (Singapore)",
    city: "Singapore",
    latitude: 1.35,
    longitude: 103.82,
    isPrimary: false,
    envKey: "AP_SOUTHEAST",
  },
];

const entrySchema = z
  .object({
    // "#" separates a region from its incarnation in an actor (region#2), so an id has none.
    id: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, "lower-case letters, digits and hyphens"),
    name: z.string().min(1).max(80),
    city: z.string().min(1).max(80),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    isPrimary: z.boolean().default(false),
    envKey: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*$/, "upper-case letters, digits and underscores")
      .optional(),
  })
  .strict();

function fail(expected: string): never {
  throw new ConfigurationError(`MERIDIAN_REGIONS is invalid: expected ${expected}.`, {
    variables: ["MERIDIAN_REGIONS"],
  });
}

function firstDuplicate(values: readonly string[]): string | undefined {
  return values.find((value, index) => values.indexOf(value) !== index);
}

/**
 * The regions named by MERIDIAN_REGIONS (a JSON array of one or more), or the three default ones.
 * Throws ConfigurationError.
 */
export function parseRegionCatalogue(json: string | undefined): readonly RegionEntry[] {
  if (json === undefined || json.trim() === "") return DEFAULT_REGIONS;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    fail("a JSON array of regions");
  }
  const parsed = z.array(entrySchema).min(1).max(32).safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join(".") ?? "";
    fail(
      `a JSON array of regions${issue ? ` (${where ? `${where}: ` : ""}${issue.message})` : ""}`,
    );
  }
  const entries = parsed.data.map((entry) => ({
    ...entry,
    isPrimary: entry.isPrimary || parsed.data.length === 1,
    envKey: entry.envKey ?? entry.id.toUpperCase().replaceAll("-", "_"),
  }));
  const twiceId = firstDuplicate(entries.map((entry) => entry.id));
  if (twiceId) fail(`distinct ids, "${twiceId}" appears twice`);
  const twiceKey = firstDuplicate(entries.map((entry) => entry.envKey));
  if (twiceKey) fail(`distinct envKeys, "${twiceKey}" appears twice`);
  const primaries = entries.filter((entry) => entry.isPrimary).length;
  if (primaries !== 1) fail(`exactly one region with "isPrimary": true, not ${primaries}`);
  return entries;
}
