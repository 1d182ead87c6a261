import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseTargets } from "@/scripts/targets";

let dir: string;
let clusterFile: string;

beforeAll(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), "meridian-targets-"));
  clusterFile = path.join(dir, "cluster.json");
  const regions = ["us-east-1", "eu-west-1"].map((id) => ({
    id,
    directUrl: `postgresql://${id}/d`,
  }));
  writeFileSync(clusterFile, JSON.stringify({ web: "http://localhost", redis: null, regions }));
});

afterAll(() => rmSync(dir, { recursive: true }));

const REGIONS = JSON.stringify([
  { id: "a", name: "A", city: "A", latitude: 0, longitude: 0, isPrimary: true },
]);

test("the environment wins, and gives the application's password", () => {
  const source = {
    MERIDIAN_REGIONS: REGIONS,
    DB_A_READ: "postgresql://meridian_app:p%40ss@h/d",
    DB_A_WRITE: "postgresql://meridian_app:p%40ss@h/d",
    DB_A_DIRECT: "postgresql://owner:secret@h/d",
  };
  expect(databaseTargets(source, clusterFile)).toEqual([
    {
      id: "a",
      directUrl: source.DB_A_DIRECT,
      isPrimary: true,
      appPassword: "p@ss",
      peerPasswords: {},
    },
  ]);
  const PEER_PASSWORD_A = "of-the-workers-in-region-a-0123456789";
  expect(databaseTargets({ ...source, PEER_PASSWORD_A }, clusterFile)[0]?.peerPasswords).toEqual({
    a: PEER_PASSWORD_A,
  });
  const owner = { ...source, DB_A_WRITE: source.DB_A_DIRECT };
  expect(databaseTargets(owner, clusterFile)[0]?.appPassword).toBeUndefined();
});

test("without one, it is the local planet that runs", () => {
  expect(databaseTargets({}, clusterFile)).toEqual([
    { id: "us-east-1", directUrl: "postgresql://us-east-1/d", isPrimary: true },
    { id: "eu-west-1", directUrl: "postgresql://eu-west-1/d", isPrimary: false },
  ]);
});

test("without either, the missing variables are named", () => {
  expect(() => databaseTargets({}, path.join(dir, "none.json"))).toThrow(
    /^DB_US_EAST_READ is missing/,
  );
  expect(() => databaseTargets({ DB_US_EAST_READ: "x" }, clusterFile)).toThrow(
    /^DB_US_EAST_READ is invalid/,
  );
});
