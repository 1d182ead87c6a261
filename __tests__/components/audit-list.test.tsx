import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { AuditList } from "@/components/audit/audit-list";
import { RegionNamesProvider } from "@/components/multi-region/region-names";
import { parseBefore, type AuditRecord } from "@/lib/audit";
import { DEFAULT_REGIONS } from "@/lib/region-catalogue";

const record = (more: Partial<AuditRecord>): AuditRecord => ({
  id: "1",
  regionId: "us-east-1",
  at: "2026-01-01T10:20:30.123456Z",
  userId: "u1",
  userName: "The Operator",
  action: "leadership.switchover",
  subject: "eu-west-1",
  detail: { reason: "a drill" },
  result: "requested",
  ...more,
});

const show = (records: AuditRecord[]) =>
  render(
    <RegionNamesProvider regions={DEFAULT_REGIONS}>
      <AuditList records={records} />
    </RegionNamesProvider>,
  );

describe("the audit", () => {
  it("says who did what, why, when, where and with which result", () => {
    show([record({})]);
    const item = screen.getByRole("listitem");
    expect(item).toHaveTextContent("The Operator asked for a switchover to eu-west-1");
    expect(item).toHaveTextContent("requested: a drill");
    expect(item).toHaveTextContent("10:20:30 UTC");
    expect(item).toHaveTextContent("Virginia");
  });

  it("names what did something by itself, a user that the region does not know, and a new action", () => {
    show([
      record({ id: "1", userId: null, userName: null }),
      record({ id: "2", userName: null }),
      record({ id: "3", action: "something.new", detail: {} }),
    ]);
    const [own, unknown, fresh] = screen.getAllByRole("listitem");
    expect(own).toHaveTextContent("The region itself");
    expect(unknown).toHaveTextContent("u1");
    expect(fresh).toHaveTextContent("something.new of eu-west-1");
  });
});

describe("where a page of it begins", () => {
  it.each([
    ["2026-01-01T10:20:30.123456Z", true],
    ["2026-01-01T10:20:30Z", true],
    ["2026-13-01T10:20:30Z", false],
    ["2026-01-01", false],
    ["'; DROP TABLE", false],
    [undefined, false],
    [["2026-01-01T10:20:30Z"], false],
  ])("%j: %s", (text, valid) => {
    expect(parseBefore(text)).toBe(valid ? text : null);
  });
});
