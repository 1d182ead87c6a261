import { describe, expect, it } from "vitest";
import type { CheckReport } from "@/lib/db/replication/repair/check";
import { chooseContent, type RepairReport } from "@/lib/db/replication/repair/mend";
import type { RowState } from "@/lib/db/replication/repair/ranges";
import { checkLines, exitCodeOf, repairExitCode, repairLines } from "@/scripts/region/print";

const REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-1"];

const state = (hash: string, origin = "eu-west-1"): RowState => ({
  id: "a",
  hash,
  clock: '{"eu-west-1": 1}',
  origin,
  bytes: 10,
  leaving: false,
});

const report = (changes: Partial<CheckReport> = {}): CheckReport => ({
  outcome: "equal",
  compared: REGIONS,
  entities: [{ entity: "Document", rows: 3 }],
  differences: [],
  unsettled: [],
  failures: [],
  behind: [],
  ms: 5,
  ...changes,
});

const repair = (changes: Partial<RepairReport> = {}): RepairReport => ({
  dryRun: false,
  check: report(),
  mended: [],
  failed: [],
  left: [],
  raised: [],
  ...changes,
});

describe("the choice between contents of one version", () => {
  it.each([
    { hashes: ["x", "y", "y"], origin: "us-east-1", index: 1, rule: "majority" },
    { hashes: ["x", "y", "z"], origin: "ap-southeast-1", index: 2, rule: "origin" },
    { hashes: ["x", "y", "z"], origin: "ap-southeast-1#4", index: 2, rule: "origin" },
    { hashes: ["z", "y", "x"], origin: "us-west-2", index: 2, rule: "order" },
    { hashes: ["b", "a"], origin: "eu-west-1", index: 1, rule: "origin" },
  ])("takes $index of $hashes from $origin by $rule", ({ hashes, origin, index, rule }) => {
    const states = hashes.map((hash) => state(hash, origin));
    expect(chooseContent(states, REGIONS)).toEqual({ index, rule });
  });

  it("does not let the origin's content win when it is not among the most frequent", () => {
    const states = [state("a"), state("b"), state("a"), state("c"), state("c")];
    const regions = [...REGIONS, "us-west-2", "sa-east-1"];
    expect(chooseContent(states, regions)).toEqual({ index: 0, rule: "order" });
  });
});

describe("what the command prints and exits with", () => {
  it("tells equal, different and incomparable apart", () => {
    expect(exitCodeOf(report())).toBe(0);
    expect(exitCodeOf(report({ outcome: "different" }))).toBe(1);
    expect(exitCodeOf(report({ outcome: "incomparable" }))).toBe(2);
  });

  it("names each row with what every region has of it", () => {
    const lines = checkLines(
      report({
        outcome: "different",
        differences: [
          {
            entity: "Document",
            id: "a",
            kind: "missing",
            regions: { "us-east-1": { hash: "0123456789", clock: '{"x": 1}' }, "eu-west-1": null },
          },
        ],
      }),
    );
    expect(lines).toContain(
      '  Document a  missing  us-east-1 01234567 {"x": 1}; eu-west-1 missing',
    );
  });

  it("fails a repair that left something, or that could not reach every region", () => {
    expect(repairExitCode(repair())).toBe(0);
    expect(repairExitCode(repair({ left: [{ entity: "Document", id: "a" }] }))).toBe(1);
    const unreached = report({ failures: [{ region: "eu-west-1", reason: "down" }] });
    expect(repairExitCode(repair({ check: unreached }))).toBe(2);
    const dry = repair({ dryRun: true, check: report({ outcome: "different" }) });
    expect(repairExitCode(dry)).toBe(1);
  });

  it("counts the mended rows by rule", () => {
    const lines = repairLines(
      repair({
        mended: [
          { entity: "Document", id: "a", rule: "joined" },
          { entity: "Document", id: "b", rule: "majority", from: "us-east-1" },
          { entity: "Document", id: "c", rule: "joined" },
        ],
      }),
    );
    expect(lines[0]).toBe("mended      joined 2, majority 1");
    expect(lines).toContain("  Document b  majority from us-east-1");
  });
});
