import { describe, expect, it } from "vitest";
import { StatementNames } from "@/lib/db/regions/statement-names";

describe("names of statements", () => {
  it("are one per text", () => {
    const names = new StatementNames();
    const [a, b] = [names.of("SELECT 1"), names.of("SELECT 2")];
    expect(a).not.toBe("");
    expect(b).not.toBe(a);
    expect(names.of("SELECT 1")).toBe(a);
  });

  it("end at a number, and those that are given stay", () => {
    const names = new StatementNames(1);
    const first = names.of("SELECT 1");
    expect(names.of("SELECT 2")).toBe("");
    expect(names.of("SELECT 1")).toBe(first);
  });
});
