import { describe, expect, test } from "vitest";
import { ENTITY_POLICIES, policiesUnder } from "@/lib/db/conflicts/policies";
import { TOPOLOGIES } from "@/lib/policy-defaults";
import {
  fieldPolicy,
  hasState,
  META_COLUMNS,
  parsePolicy,
  policyJson,
  samePolicy,
} from "@/lib/db/conflicts/policy";

describe("a policy", () => {
  test("has defaults", () => {
    expect(parsePolicy({})).toEqual({
      topology: "multi-leader",
      durability: "region",
      write: null,
      read: null,
      residency: null,
      strategy: "last-write-wins",
      deletion: "last-write",
      record: true,
      author: null,
      collect: false,
      fields: {},
    });
  });

  test.each([
    ["an unknown key", { colour: "red" }],
    ["an unknown strategy", { strategy: "newest" }],
    ["a register's strategy for a row", { strategy: "or-set" }],
    ["an unknown rule", { deletion: "never" }],
    ["an unknown topology", { topology: "ring" }],
    ["fields without merge", { fields: { x: { strategy: "max" } } }],
    ["an unknown strategy of a field", { strategy: "merge", fields: { x: { strategy: "sum" } } }],
    ["an unknown key of a field", { strategy: "merge", fields: { x: { strategy: "max", a: 1 } } }],
    ["a field that is no column", { strategy: "merge", fields: { "x;": { strategy: "max" } } }],
    ["a residency by no column", { residency: { entity: "Document", by: "id;" } }],
    ["a quorum of none", { write: 0 }],
    ["a quorum of a part", { read: 1.5 }],
    ["no object", null],
  ])("is not %s", (_, value) => {
    expect(() => parsePolicy(value)).toThrow();
  });

  test.each(META_COLUMNS)("has no field %s", (column) => {
    const fields = { [column]: { strategy: "max" } };
    expect(() => parsePolicy({ strategy: "merge", fields })).toThrow(/is a field/);
  });

  test("has one text, whatever the order of its keys", () => {
    const a = parsePolicy({
      strategy: "merge",
      residency: { entity: "Document", by: "id" },
      fields: { y: { strategy: "max" }, x: { strategy: "min", quiet: true } },
    });
    const b = parsePolicy({
      fields: { x: { quiet: true, strategy: "min" }, y: { quiet: false, strategy: "max" } },
      residency: { by: "id", entity: "Document" },
      strategy: "merge",
    });
    expect(policyJson(a)).toBe(policyJson(b));
    expect(policyJson(parsePolicy({}))).toBe(
      '{"author":null,"collect":false,"deletion":"last-write","durability":"region","fields":{},"read":null,"record":true,"residency":null,"strategy":"last-write-wins","topology":"multi-leader","write":null}',
    );
  });

  test("differs by any of its parts", () => {
    const policy = parsePolicy({ strategy: "merge", fields: { x: { strategy: "max" } } });
    expect(samePolicy(policy, JSON.parse(policyJson(policy)))).toBe(true);
    expect(samePolicy(parsePolicy({}), {})).toBe(true);
    for (const other of [
      { ...policy, topology: "leaderless" },
      { ...policy, durability: "quorum" },
      { ...policy, write: 2 },
      { ...policy, read: 2 },
      { ...policy, residency: { entity: null, by: "placement" } },
      { ...policy, deletion: "delete-wins" },
      { ...policy, record: false },
      { ...policy, author: "x" },
      { ...policy, collect: true },
      { ...policy, fields: { x: { strategy: "max", quiet: true } } },
      { ...policy, fields: {} },
      { ...policy, strategy: "newest" },
      null,
    ]) {
      expect(samePolicy(policy, other)).toBe(false);
    }
  });

  test("needs state unless the last write wins as a whole", () => {
    expect(hasState(parsePolicy({}))).toBe(false);
    expect(hasState(parsePolicy({ deletion: "delete-wins" }))).toBe(true);
    expect(hasState(parsePolicy({ strategy: "merge" }))).toBe(true);
  });

  test("says how a column is joined", () => {
    const policy = parsePolicy({ strategy: "merge", fields: { x: { strategy: "max" } } });
    expect(fieldPolicy(policy, "x")).toEqual({ strategy: "max" });
    expect(fieldPolicy(policy, "constructor")).toEqual({ strategy: "last-write-wins" });
    expect(fieldPolicy(parsePolicy({ strategy: "manual" }), "x")).toEqual({ strategy: "manual" });
  });
});

describe("the registry", () => {
  test.each(Object.entries(policiesUnder({ topology: "leaderless", durability: "quorum" })))(
    "declares %s in full",
    (_, policy) => {
      expect(parsePolicy(policy)).toEqual(policy);
    },
  );

  test.each(TOPOLOGIES)("takes %s where an entity leaves it open", (topology) => {
    const policies = policiesUnder({ topology, durability: "region" });
    expect(
      Object.fromEntries(Object.entries(policies).map(([name, policy]) => [name, policy.topology])),
    ).toEqual({
      User: "single-leader",
      Document: topology,
      Collaborator: topology,
      DocumentVersion: topology,
      DocumentUpdate: topology,
      // Written by appliers, in every region.
      Conflict: "multi-leader",
      ConflictResolution: "multi-leader",
      // What the fault lab watches a failover with.
      LabRow: "single-leader",
      // Sold from in every region at once.
      Product: "multi-leader",
      Reservation: "multi-leader",
      PlayerScore: "multi-leader",
      // Says where the rows of others are, whoever leads.
      Placement: "multi-leader",
      // Who a person is, where that may be known.
      Profile: "multi-leader",
      Order: "single-leader",
      LedgerTransfer: "single-leader",
      // Edited in every region; a person decides about texts.
      ContentItem: "multi-leader",
      ContentVersion: "multi-leader",
    });
    expect(policies.User.durability).toBe("quorum");
    expect(policiesUnder({ topology, durability: "quorum" }).Document.durability).toBe("quorum");
  });

  test("records no choice between records, which would be recorded again", () => {
    expect(ENTITY_POLICIES.Conflict.record).toBe(false);
    expect(ENTITY_POLICIES.ConflictResolution.record).toBe(false);
  });

  test("collects no tombstone of an entity whose ids are used again", () => {
    expect(ENTITY_POLICIES.Collaborator.collect).toBe(false);
    expect(ENTITY_POLICIES.ConflictResolution.collect).toBe(false);
  });
});
