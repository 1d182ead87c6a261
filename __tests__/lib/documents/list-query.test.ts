import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DOCUMENT_SORTS,
  FIRST_PAGE,
  listAddress,
  parseListQuery,
  wordsOf,
  type ListQuery,
} from "@/lib/documents/list-query";

const roundTrip = (query: ListQuery) =>
  parseListQuery(Object.fromEntries(new URLSearchParams(listAddress(query).slice(1))));

const text = (maxLength: number) =>
  fc
    .string({ unit: "grapheme", minLength: 1, maxLength })
    .filter(
      (value) => value.trim() === value && value.length <= maxLength && !value.includes("\0"),
    );

describe("the query of a list", () => {
  it("is the first page, last changed first, for an address without one", () => {
    expect(parseListQuery({})).toEqual(FIRST_PAGE);
    expect(listAddress(FIRST_PAGE)).toBe("");
  });

  it("survives the address", () => {
    const instant = fc
      .date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })
      .map((date) => date.toISOString());
    const query = fc.constantFrom(...DOCUMENT_SORTS).chain((sort) =>
      fc.record({
        search: fc.oneof(fc.constant(""), text(60)),
        sort: fc.constant(sort),
        from: fc.option(
          fc.record({
            towards: fc.constantFrom("after" as const, "before" as const),
            cursor: fc.record({ key: sort === "title" ? text(60) : instant, id: text(100) }),
          }),
        ),
      }),
    );
    fc.assert(
      fc.property(query, (one) => {
        expect(roundTrip(one)).toEqual(one);
      }),
    );
  });

  it.each([
    { q: "a\0b" },
    { q: "\ud800" },
    { q: "x".repeat(201) },
    { sort: "owner" },
    { after: "{" },
    { after: "[]" },
    { after: '["updated","yesterday","id"]' },
    { after: '["updated","+275760-09-13T00:00:00.000Z","id"]' },
    { after: '["title","A","id"]' },
    { after: '["updated","2026-01-01T00:00:00.000Z",""]' },
    { after: '["updated","2026-01-01T00:00:00.000Z","\\u0000"]' },
    { after: `["updated","2026-01-01T00:00:00.000Z","${"x".repeat(101)}"]` },
  ])("leaves out what is no part of one: %j", (params) => {
    expect(parseListQuery(params)).toEqual(FIRST_PAGE);
  });

  it("looks for each word, and for no more than eight", () => {
    expect(wordsOf("  tide   tables ")).toEqual(["tide", "tables"]);
    expect(wordsOf("1 2 3 4 5 6 7 8 9")).toHaveLength(8);
  });
});
