import { describe, expect, it } from "vitest";
import { filterQuery, parseFilter } from "@/lib/conflicts/filter";
import { complaintAbout, resolveInput } from "@/lib/conflicts/validation";

describe("the filter in an address", () => {
  it("comes back as it was written", () => {
    const filter = {
      status: "open",
      entityType: "Document",
      search: "a b",
      before: { detectedAt: "2026-01-02T03:04:05.000Z", id: "c1" },
    } as const;
    const query = new URLSearchParams(filterQuery(filter));
    expect(parseFilter(Object.fromEntries(query))).toEqual({ ...filter, limit: undefined });
    expect(filterQuery({})).toBe("");
  });

  it.each([
    { status: "closed" },
    { before: "yesterday_x" },
    { before: "2026-01-01T00:00:00Z" },
    { q: "a\0b" },
    { q: "x".repeat(300) },
    { limit: "0" },
    { limit: "many" },
  ])("leaves out what is none: %j", (params) => {
    expect(Object.values(parseFilter(params)).filter((value) => value !== undefined)).toEqual([]);
  });

  it("takes the first of a repeated parameter", () => {
    expect(parseFilter({ status: ["decided", "open"] }).status).toBe("decided");
  });
});

describe("a decision from outside", () => {
  it.each([
    { id: "c", take: 0 },
    { id: "c", choice: "edited", value: "text", shown: { "us-east-1": 1 } },
    { id: "c", choice: "kept", value: null },
  ])("is accepted: %j", (input) => {
    expect(resolveInput.safeParse(input).success).toBe(true);
  });

  it.each([
    {},
    { id: "c" },
    { id: "", take: 0 },
    { id: "c", take: -1 },
    { id: "c", take: 0.5 },
    { id: "c", choice: "computed", value: "x" },
    { id: "c", choice: "edited" },
    { id: "c", take: 0, shown: { "us-east-1": -1 } },
    { id: "c\0", take: 0 },
  ])("is refused: %j", (input) => {
    expect(resolveInput.safeParse(input).success).toBe(false);
  });

  it("is held to the limits of the field that it is about", () => {
    expect(complaintAbout("Document", "title", "")).not.toBeNull();
    expect(complaintAbout("Document", "title", "Fine")).toBeNull();
    expect(complaintAbout("Document", "title", 5)).not.toBeNull();
    expect(complaintAbout("Document", "*", { title: "x".repeat(201) })).not.toBeNull();
    expect(complaintAbout("Document", "*", { title: "x", summary: "y" })).toBeNull();
    expect(complaintAbout("Collaborator", "role", "editor")).toBeNull();
  });
});
