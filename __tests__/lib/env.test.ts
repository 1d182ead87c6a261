import { describe, expect, test } from "vitest";
import { parseEnv, parsePolicyDefaults, parseRegions } from "@/lib/env";
import { ConfigurationError } from "@/lib/errors";

const PASSWORD = "hunter2-is-not-to-be-shown";
const SECRET = "s".repeat(32);

function databases(): Record<string, string> {
  const source: Record<string, string> = {};
  for (const key of ["US_EAST", "EU_WEST", "AP_SOUTHEAST"]) {
    source[`DB_${key}_READ`] = `postgresql://app:${PASSWORD}@${key.toLowerCase()}.example/app?ro=1`;
    source[`DB_${key}_WRITE`] = `postgresql://app:${PASSWORD}@${key.toLowerCase()}.example/app`;
  }
  return source;
}

function refusal(source: Record<string, string | undefined>): ConfigurationError {
  try {
    parseEnv(source);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error("the environment was accepted");
}

describe("regions", () => {
  test("are the three default ones, in order, the first of them primary", () => {
    const env = parseEnv(databases());
    expect(env.regions.map((region) => region.id)).toEqual([
      "us-east-1",
      "eu-west-1",
      "ap-southeast-1",
    ]);
    expect(env.regions.filter((region) => region.isPrimary).map((region) => region.id)).toEqual([
      "us-east-1",
    ]);
    expect(env.regions[0]).toMatchObject({ latitude: 38.95, longitude: -77.45 });
  });

  test("direct falls back to write, a region's Redis to the shared one, else to none", () => {
    const source = databases();
    expect(parseEnv(source).regions[0]).toMatchObject({
      directUrl: source.DB_US_EAST_WRITE,
      peerPassword: null,
      redisUrl: null,
    });
    const env = parseEnv({
      ...source,
      DB_US_EAST_DIRECT: "postgresql://owner@us.example/app",
      REDIS_URL: "redis://shared:6379",
      REDIS_URL_EU_WEST: "rediss://eu:6379",
    });
    expect(env.regions.map((region) => region.redisUrl)).toEqual([
      "redis://shared:6379",
      "rediss://eu:6379",
      "redis://shared:6379",
    ]);
    expect(env.regions[0]?.directUrl).toBe("postgresql://owner@us.example/app");
  });

  test("can be replaced by MERIDIAN_REGIONS, any number from one", () => {
    const env = parseEnv({
      MERIDIAN_REGIONS: JSON.stringify([
        { id: "eu-north-1", name: "North", city: "Stockholm", latitude: 59.3, longitude: 0 },
      ]),
      DB_EU_NORTH_1_READ: "postgres://a@b/c",
      DB_EU_NORTH_1_WRITE: "postgres://a@b/c",
    });
    expect(env.regions).toHaveLength(1);
    expect(env.regions[0]).toMatchObject({ envKey: "EU_NORTH_1", isPrimary: true, longitude: 0 });
    expect(env.currentRegion).toBe("eu-north-1");
  });

  const place = { name: "n", city: "c", latitude: 1, longitude: 1 };
  test.each([
    ["not JSON", "{", "a JSON array of regions"],
    ["no region", "[]", "a JSON array of regions"],
    ["a misspelt field", JSON.stringify([{ ...place, id: "a", primary: true }]), "primary"],
    ["a latitude off the globe", JSON.stringify([{ ...place, id: "a", latitude: 91 }]), "latitude"],
    ["an id with a #", JSON.stringify([{ ...place, id: "a#1" }]), "0.id"],
    [
      "no primary among two",
      JSON.stringify([
        { ...place, id: "a" },
        { ...place, id: "b" },
      ]),
      "exactly one region",
    ],
    [
      "two primaries",
      JSON.stringify([
        { ...place, id: "a", isPrimary: true },
        { ...place, id: "b", isPrimary: true },
      ]),
      "exactly one region",
    ],
    [
      "an id twice",
      JSON.stringify([
        { ...place, id: "a", isPrimary: true },
        { ...place, id: "a", envKey: "B" },
      ]),
      '"a" appears twice',
    ],
    [
      "one envKey for two regions",
      JSON.stringify([
        { ...place, id: "a", isPrimary: true },
        { ...place, id: "b", envKey: "A" },
      ]),
      '"A" appears twice',
    ],
  ])("refuses %s", (_name, json, expected) => {
    const error = refusal({ ...databases(), MERIDIAN_REGIONS: json });
    expect(error.message).toMatch(/^MERIDIAN_REGIONS is invalid: expected /);
    expect(error.message).toContain(expected);
  });

  test("parseRegions needs no secrets, even in production", () => {
    expect(parseRegions({ ...databases(), NODE_ENV: "production" })).toHaveLength(3);
  });
});

describe("a missing or malformed value", () => {
  test("is named in one sentence", () => {
    const error = refusal({ ...databases(), DB_EU_WEST_WRITE: undefined });
    expect(error.message).toBe("DB_EU_WEST_WRITE is missing: expected a postgresql:// URL.");
    expect(error.data.variables).toEqual(["DB_EU_WEST_WRITE"]);
  });

  test("blank counts as missing", () => {
    const error = refusal({ ...databases(), DB_EU_WEST_READ: "  " });
    expect(error.message).toBe("DB_EU_WEST_READ is missing: expected a postgresql:// URL.");
  });

  test("is named once each when there are several", () => {
    const error = refusal({ NODE_ENV: "production", CURRENT_REGION: "us-east-1" });
    const sentences = error.message.split("\n");
    expect(sentences).toHaveLength(8);
    expect(sentences).toContain(
      "AUTH_SECRET is missing: expected a secret of at least 32 characters.",
    );
  });

  test.each([
    ["DB_US_EAST_WRITE", `mysql://root:${PASSWORD}@host/app`, "a postgresql:// URL."],
    ["DB_US_EAST_WRITE", `${PASSWORD}`, "a postgresql:// URL."],
    ["DB_US_EAST_DIRECT", `postgresql://app:${PASSWORD}@host`, "ends with a database name."],
    ["REDIS_URL", `http://:${PASSWORD}@host`, "a redis:// or rediss:// URL."],
    ["AUTH_SECRET", PASSWORD, "a secret of at least 32 characters."],
    ["PEER_PASSWORD_US_EAST", PASSWORD, "a secret of at least 32 characters."],
    ["MERIDIAN_LOCAL_PLANET", "yes", "1, 0, true or false."],
    ["CONFLICT_RETENTION_DAYS", "0", "a number of days from 1 to 99999."],
    ["CONFLICT_RETENTION_DAYS", "1.5", "a number of days from 1 to 99999."],
    ["NODE_ENV", "staging", "development, test or production."],
    ["CURRENT_REGION", "us-west-9", "one of us-east-1, eu-west-1, ap-southeast-1."],
    ["VERCEL_REGION", "moon1", "a Vercel region with a known place."],
  ])("%s: says what was expected and never the value", (name, value, expected) => {
    const error = refusal({ ...databases(), [name]: value });
    expect(error.message.startsWith(`${name} is invalid: expected `)).toBe(true);
    expect(error.message.endsWith(expected)).toBe(true);
    expect(JSON.stringify([error.message, error.data])).not.toContain(PASSWORD);
  });
});

describe("the current region", () => {
  test("is the primary outside production, and has to be said in production", () => {
    expect(parseEnv(databases()).currentRegion).toBe("us-east-1");
    const production = {
      ...databases(),
      NODE_ENV: "production",
      AUTH_SECRET: SECRET,
      REPLICATION_SECRET: SECRET,
    };
    expect(refusal(production).message).toMatch(/^CURRENT_REGION is missing/);
    expect(parseEnv({ ...production, CURRENT_REGION: "eu-west-1" }).currentRegion).toBe(
      "eu-west-1",
    );
  });

  test.each([
    ["iad1", "us-east-1"],
    ["dub1", "eu-west-1"],
    ["sin1", "ap-southeast-1"],
    ["sfo1", "us-east-1"],
    ["gru1", "us-east-1"],
    ["cpt1", "ap-southeast-1"],
    ["fra1", "eu-west-1"],
    ["hnd1", "ap-southeast-1"],
    ["syd1", "ap-southeast-1"],
    ["bom1", "ap-southeast-1"],
    ["dev1", "us-east-1"],
  ])("on Vercel is the one nearest to %s", (vercel, expected) => {
    const env = parseEnv({ ...databases(), VERCEL: "1", VERCEL_REGION: vercel });
    expect(env.currentRegion).toBe(expected);
    expect(env.onVercel).toBe(true);
  });

  test("CURRENT_REGION wins over VERCEL_REGION", () => {
    const env = parseEnv({ ...databases(), CURRENT_REGION: "eu-west-1", VERCEL_REGION: "sin1" });
    expect(env.currentRegion).toBe("eu-west-1");
  });
});

test("the local planet's switch is ignored on Vercel", () => {
  expect(parseEnv({ ...databases(), MERIDIAN_LOCAL_PLANET: "1" }).localPlanet).toBe(true);
  const onVercel = parseEnv({ ...databases(), MERIDIAN_LOCAL_PLANET: "1", VERCEL: "1" });
  expect(onVercel.localPlanet).toBe(false);
});

test("only a local planet takes orders for faults, and only with both address and token", () => {
  const token = "t".repeat(32);
  const control = { MERIDIAN_CONTROL: "http://127.0.0.1:1", MERIDIAN_CONTROL_TOKEN: token };
  const local = { ...databases(), MERIDIAN_LOCAL_PLANET: "1" };
  expect(parseEnv({ ...local, ...control }).control).toEqual({ url: "http://127.0.0.1:1", token });
  expect(parseEnv(local).control).toBeNull();
  expect(parseEnv({ ...local, MERIDIAN_CONTROL: control.MERIDIAN_CONTROL }).control).toBeNull();
  expect(parseEnv({ ...databases(), ...control }).control).toBeNull();
  expect(parseEnv({ ...local, ...control, VERCEL: "1" }).control).toBeNull();
});

test("lets nobody but administrators read metrics, or who shows a secret", () => {
  expect(parseEnv(databases()).metricsToken).toBeNull();
  const METRICS_TOKEN = "a-token-of-at-least-32-characters";
  expect(parseEnv({ ...databases(), METRICS_TOKEN }).metricsToken).toBe(METRICS_TOKEN);
  expect(() => parseEnv({ ...databases(), METRICS_TOKEN: "short" })).toThrow(/METRICS_TOKEN/);
});

test("lets nobody run a tick, or who shows a secret", () => {
  expect(parseEnv(databases()).cronSecret).toBeNull();
  const CRON_SECRET = "a-cron-secret-of-32-characters-or-more";
  expect(parseEnv({ ...databases(), CRON_SECRET }).cronSecret).toBe(CRON_SECRET);
  expect(() => parseEnv({ ...databases(), CRON_SECRET: "short" })).toThrow(/CRON_SECRET/);
});

test("does without workers on Vercel, or where it is told to", () => {
  expect(parseEnv(databases()).serverless).toBe(false);
  expect(parseEnv({ ...databases(), SERVERLESS: "1" }).serverless).toBe(true);
  expect(parseEnv({ ...databases(), VERCEL: "1" }).serverless).toBe(true);
  expect(parseEnv({ ...databases(), VERCEL: "1", SERVERLESS: "0" }).serverless).toBe(false);
});

test("keeps addresses in some regions where it has a key for their digests", () => {
  expect(parseEnv(databases()).addressKey).toBeNull();
  const ADDRESS_KEY = "an-address-key-of-32-characters-or-more";
  expect(parseEnv({ ...databases(), ADDRESS_KEY }).addressKey).toBe(ADDRESS_KEY);
  expect(() => parseEnv({ ...databases(), ADDRESS_KEY: "short" })).toThrow(/ADDRESS_KEY/);
});

test("asks another region 60 ms after an answer was due, or as long as it is told", () => {
  expect(parseEnv(databases()).quorumHedgeMs).toBe(60);
  expect(parseEnv({ ...databases(), QUORUM_HEDGE_MS: "250" }).quorumHedgeMs).toBe(250);
});

test("opens 10 connections to a database, or as many as it is told", () => {
  expect(parseEnv(databases()).connections).toBe(10);
  expect(parseEnv({ ...databases(), DB_CONNECTIONS: "24" }).connections).toBe(24);
  for (const wrong of ["0", "100", "-1", "2.5", "many"]) {
    expect(() => parseEnv({ ...databases(), DB_CONNECTIONS: wrong })).toThrow(/DB_CONNECTIONS/);
  }
});

test("speaks to a database by its host, or as it is told", () => {
  expect(parseEnv(databases())).toMatchObject({ driver: null, neonProxy: null });
  const told = { DB_DRIVER: "neon", NEON_WS_PROXY: "127.0.0.1:5480" };
  expect(parseEnv({ ...databases(), ...told })).toMatchObject({
    driver: "neon",
    neonProxy: "127.0.0.1:5480",
  });
  expect(() => parseEnv({ ...databases(), DB_DRIVER: "mysql" })).toThrow(/DB_DRIVER/);
  for (const wrong of ["ws://127.0.0.1:5480", "127.0.0.1", "here:0", "a b:1"]) {
    expect(() => parseEnv({ ...databases(), NEON_WS_PROXY: wrong })).toThrow(/NEON_WS_PROXY/);
  }
});

test("keeps settled conflicts for 90 days, or as long as it is told", () => {
  expect(parseEnv(databases()).conflictRetentionDays).toBe(90);
  const env = parseEnv({ ...databases(), CONFLICT_RETENTION_DAYS: "7" });
  expect(env.conflictRetentionDays).toBe(7);
});

describe("defaults of policies", () => {
  test("are written in every region and acknowledged by one, unless said otherwise", () => {
    expect(parseEnv(databases()).defaults).toEqual({
      topology: "multi-leader",
      durability: "region",
    });
    const source = { DEFAULT_TOPOLOGY: "leaderless", DEFAULT_DURABILITY: "quorum" };
    const expected = { topology: "leaderless", durability: "quorum" };
    expect(parseEnv({ ...databases(), ...source }).defaults).toEqual(expected);
    // What the database scripts ask for, without the rest of the environment.
    expect(parsePolicyDefaults(source)).toEqual(expected);
    expect(parsePolicyDefaults({ DEFAULT_TOPOLOGY: " " }).topology).toBe("multi-leader");
  });

  test.each([
    ["DEFAULT_TOPOLOGY", "ring", "single-leader, multi-leader or leaderless"],
    ["DEFAULT_DURABILITY", "forever", "region or quorum"],
  ])("refuse %s=%s", (name, value, expected) => {
    const { message } = refusal({ ...databases(), [name]: value });
    expect(message).toBe(`${name} is invalid: expected ${expected}.`);
    expect(() => parsePolicyDefaults({ [name]: value })).toThrow(message);
  });
});

describe("places", () => {
  test("are one for each beginning of a region's id, unless said otherwise", () => {
    expect(parseEnv(databases()).residencies).toEqual({
      us: ["us-east-1"],
      eu: ["eu-west-1"],
      ap: ["ap-southeast-1"],
    });
    const RESIDENCIES = '{"atlantic":["us-east-1","eu-west-1"]}';
    expect(parseEnv({ ...databases(), RESIDENCIES }).residencies).toEqual({
      atlantic: ["eu-west-1", "us-east-1"],
    });
  });

  test.each(["nonsense", "[]", '{"eu":[]}', '{"EU":["eu-west-1"]}', '{"eu":["moon-1"]}'])(
    "are not %s",
    (RESIDENCIES) => {
      expect(() => parseEnv({ ...databases(), RESIDENCIES })).toThrow(/^RESIDENCIES is invalid/);
    },
  );
});
