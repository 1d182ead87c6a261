import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RegionId } from "@/lib/db/regions/region-id";
import {
  expectedRoundTripMs,
  findRegion,
  regionIds,
  regionsByDistance,
  topologyFromEnv,
} from "@/lib/db/regions/topology";
import { parseEnv } from "@/lib/env";
import { ConfigurationError } from "@/lib/errors";

const US = "us-east-1" as RegionId;
const EU = "eu-west-1" as RegionId;
const AP = "ap-southeast-1" as RegionId;

function environment(more: Record<string, string> = {}): Record<string, string> {
  const source: Record<string, string> = { CURRENT_REGION: EU, REDIS_URL: "redis://shared" };
  for (const key of ["US_EAST", "EU_WEST", "AP_SOUTHEAST"]) {
    for (const use of ["READ", "WRITE", "DIRECT"]) {
      source[`DB_${key}_${use}`] = `postgresql://app:secret@${key}.example/${use}`;
    }
  }
  return { ...source, ...more };
}

const topology = (more?: Record<string, string>) => topologyFromEnv(parseEnv(environment(more)));

test("without links every vantage reaches a region by the same endpoints", () => {
  const found = topology();
  expect(found.currentRegion).toBe(EU);
  expect(regionIds(found)).toEqual([US, EU, AP]);
  expect(found.endpoints(EU, US)).toEqual({
    read: "postgresql://app:secret@US_EAST.example/READ",
    write: "postgresql://app:secret@US_EAST.example/WRITE",
    direct: "postgresql://app:secret@US_EAST.example/DIRECT",
    peer: "postgresql://app:secret@US_EAST.example/DIRECT",
    redis: "redis://shared",
  });
  expect(found.endpoints(AP, US)).toEqual(found.endpoints(EU, US));
});

test("workers with a password of their own reach other regions as their region's role", () => {
  const password = "peer/password+of:eu-west-1-0123456789";
  const found = topology({ PEER_PASSWORD_EU_WEST: password });
  const { direct, peer } = found.endpoints(EU, US);
  expect(peer).toBe(
    direct.replace("app:secret", `meridian_peer_eu-west-1:${encodeURIComponent(password)}`),
  );
  expect(decodeURIComponent(new URL(peer).password)).toBe(password);
  expect(found.endpoints(EU, EU).peer).toBe(found.endpoints(EU, EU).direct);
  expect(found.endpoints(AP, US).peer).toBe(direct);
});

test("a region that is not configured has no endpoints", () => {
  expect(() => topology().endpoints(EU, "sa-east-1" as RegionId)).toThrow(ConfigurationError);
  expect(() => topology().endpoints(EU, "__proto__" as RegionId)).toThrow(ConfigurationError);
  expect(() => findRegion(topology(), "sa-east-1" as RegionId)).toThrow(ConfigurationError);
});

describe("links", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "meridian-links-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string) => {
    const at = path.join(folder, name);
    writeFileSync(at, content);
    return at;
  };

  test("replace the endpoints of the vantages and regions that they name", () => {
    const slow = { read: "r", write: "w", direct: "d", peer: "p", redis: null };
    const links = file("links.json", JSON.stringify({ from: { [EU]: { [US]: slow } } }));
    const found = topology({ MERIDIAN_LINKS: links });
    expect(found.endpoints(EU, US)).toEqual(slow);
    expect(found.endpoints(EU, AP)).toEqual(topology().endpoints(EU, AP));
    expect(found.endpoints(AP, US)).toEqual(topology().endpoints(AP, US));
  });

  test.each([
    ["no JSON", "{"],
    ["another shape", '{"from":{"eu-west-1":{"us-east-1":{"read":"postgresql://x:hunter2@y/z"}}}}'],
    ["nothing", ""],
  ])("%s: names the variable and not the content", (name, content) => {
    const links = file(`${name}.json`, content);
    expect(() => topology({ MERIDIAN_LINKS: links })).toThrow(/MERIDIAN_LINKS/);
    expect(() => topology({ MERIDIAN_LINKS: links })).not.toThrow(/hunter2/);
    expect(() => topology({ MERIDIAN_LINKS: links })).toThrow(ConfigurationError);
  });

  test("a file that is not there", () => {
    expect(() => topology({ MERIDIAN_LINKS: path.join(folder, "none") })).toThrow(
      ConfigurationError,
    );
  });
});

test("regions from near to far begin with the vantage itself", () => {
  const order = (from: RegionId) => regionsByDistance(topology(), from).map(({ id }) => id);
  expect(order(EU)).toEqual([EU, US, AP]);
  expect(order(US)).toEqual([US, EU, AP]);
  expect(order(AP)).toEqual([AP, EU, US]);
});

test("expected round trips are short at home, symmetric and plausible", () => {
  const found = topology();
  expect(expectedRoundTripMs(found, EU, EU)).toBe(1);
  expect(expectedRoundTripMs(found, EU, US)).toBe(expectedRoundTripMs(found, US, EU));
  // Measured between these regions: about 70 and 220 ms.
  expect(expectedRoundTripMs(found, EU, US)).toBeGreaterThan(60);
  expect(expectedRoundTripMs(found, EU, US)).toBeLessThan(90);
  expect(expectedRoundTripMs(found, AP, US)).toBeGreaterThan(180);
  expect(expectedRoundTripMs(found, AP, US)).toBeLessThan(260);
});
