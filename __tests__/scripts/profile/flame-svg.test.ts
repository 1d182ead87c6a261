// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { drawFlame, layOut } from "@/scripts/profile/flame-svg";
import { fold } from "@/scripts/profile/fold";
import { asIs, profileOf } from "./made-profile";

const root = fold(
  [
    profileOf([
      {
        name: 'Map<string> & "quotes"\u0000 ]]>',
        file: "lib/a.ts",
        self: 600,
        calls: [{ name: "inner", file: "lib/db/b.ts", self: 390 }],
      },
      { name: "wide", self: 9 },
      { name: "narrow", self: 1 },
    ]),
  ],
  asIs,
);

/** @throws Error where it is not well-formed */
function parse(svg: string): Document {
  const document = new DOMParser().parseFromString(svg, "image/svg+xml");
  const problem = document.querySelector("parsererror");
  if (problem) throw new Error(problem.textContent ?? "");
  return document;
}

describe("a flame graph", () => {
  it("is well-formed, whatever functions are called", () => {
    const document = parse(drawFlame("A <title> & more", root));
    expect(document.documentElement.tagName).toBe("svg");
    const titles = [...document.querySelectorAll("g > title")].map((title) => title.textContent);
    expect(titles).toContain(
      'Map<string> & "quotes" ]]>  lib/a.ts:1\n99.0 % in all, 60.0 % by itself',
    );
    expect(document.querySelector("text.t")?.textContent).toBe("A <title> & more");
  });

  it("would not be taken for well-formed if it were not", () => {
    expect(() => parse("<svg><g></svg>")).toThrow();
  });

  it("leaves out what would be too narrow to be seen", () => {
    const names = layOut(root).map(({ frame }) => frame.name);
    expect(names).toContain("wide");
    expect(names).not.toContain("narrow");
  });

  it("puts what is called over its caller and within its width", () => {
    const boxes = layOut(root);
    const inner = boxes.find(({ frame }) => frame.name === "inner")!;
    const caller = boxes.find(({ frame }) => frame.file === "lib/a.ts")!;
    expect(inner.depth).toBe(caller.depth + 1);
    expect(inner.share).toBeCloseTo(0.39);
    expect(inner.start).toBeGreaterThanOrEqual(caller.start);
    expect(inner.start + inner.share).toBeLessThanOrEqual(caller.start + caller.share + 1e-9);
  });

  it("writes no label that is wider than its frame", () => {
    const document = parse(drawFlame("Flames", root));
    for (const group of document.querySelectorAll("g")) {
      const width = Number(group.querySelector("rect")?.getAttribute("width"));
      const label = group.querySelector("text")?.textContent ?? "";
      expect(label.length * 6).toBeLessThanOrEqual(width);
    }
  });
});
