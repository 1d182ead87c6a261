import { describe, expect, it } from "vitest";
import { CONTENT_MAX, TITLE_MAX } from "@/lib/documents/types";
import {
  check,
  createInput,
  documentInput,
  shareInput,
  updateInput,
} from "@/lib/documents/validation";

const title = "A title";
const content = "Some content";

function refusal(schema: Parameters<typeof check>[0], input: unknown) {
  const result = check(schema, input);
  if (result.ok) throw new Error("It was accepted");
  return result;
}

describe("document input", () => {
  it("trims titles and keeps content as it is", () => {
    const result = check(createInput, { title: "  A title ", content: "  two\r\nlines " });
    expect(result).toEqual({ ok: true, value: { title, content: "  two\r\nlines " } });
  });

  it("accepts the longest title and content", () => {
    const longest = { title: "t".repeat(TITLE_MAX), content: "c".repeat(CONTENT_MAX) };
    expect(check(createInput, longest).ok).toBe(true);
  });

  it.each([
    ["title", { title: "t".repeat(TITLE_MAX + 1), content }, /at most 200 characters/],
    ["title", { title: "   ", content }, /Give the document a title/],
    ["title", { title: 7, content }, /must be text/],
    ["title", { title: "a\0b", content }, /can't be stored/],
    ["title", { title: "half \ud800", content }, /can't be stored/],
    ["content", { title, content: "c".repeat(CONTENT_MAX + 1) }, /at most 100,000 characters/],
    ["content", { title, content: "" }, /can't be empty/],
    ["content", { title, content: " \n\t " }, /can't be empty/],
    ["content", { title, content: "a\0b" }, /can't be stored/],
    ["content", { title }, /must be text/],
  ])("complains about the %s in words", (field, input, message) => {
    const { code, fields } = refusal(createInput, input);
    expect(code).toBe("invalid");
    expect(fields?.[field]).toMatch(message);
  });

  it("wants a base version that is a clock", () => {
    const input = { documentId: "d", content };
    for (const baseVersion of [
      null,
      "1",
      [],
      { "us-east-1": -1 },
      { "us-east-1": 1.5 },
      { "us-east-1": "1; DROP TABLE" },
      Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`r${index}`, 1])),
    ]) {
      expect(check(updateInput, { ...input, baseVersion }).ok).toBe(false);
    }
    expect(check(updateInput, { ...input, baseVersion: { "us-east-1": 3 } }).ok).toBe(true);
  });

  it("wants something to change", () => {
    expect(refusal(updateInput, { documentId: "d", baseVersion: {} }).message).toMatch(/Nothing/);
  });

  it("takes ids as text of a sane length", () => {
    expect(check(documentInput, { documentId: "x".repeat(101) }).ok).toBe(false);
    expect(check(documentInput, { documentId: "" }).ok).toBe(false);
    expect(check(documentInput, { documentId: { $ne: "" } }).ok).toBe(false);
    expect(check(documentInput, { documentId: "' OR 1=1 --" }).ok).toBe(true);
  });

  it("normalises addresses and knows two roles", () => {
    const share = { documentId: "d", email: " Ada@Example.COM ", role: "viewer" };
    expect(check(shareInput, share)).toMatchObject({ value: { email: "ada@example.com" } });
    expect(check(shareInput, { ...share, role: "owner" }).ok).toBe(false);
    expect(check(shareInput, { ...share, email: "<b>@x" }).ok).toBe(false);
  });
});
