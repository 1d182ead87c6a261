import path from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { projectRoot } from "@/scripts/local/paths";
import { namesOf, pathOf, writtenName } from "@/scripts/profile/source-names";

const SOURCE = `interface Gone {
  before: "it runs";
}
export function addAllOf(numbers: number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
`;

describe("names of the project", () => {
  it("are found by the map that comes with a script", () => {
    const { outputText, sourceMapText = "" } = ts.transpileModule(SOURCE, {
      compilerOptions: { sourceMap: true, inlineSources: true, target: ts.ScriptTarget.ES2022 },
      fileName: path.join(projectRoot, "lib/adding.ts"),
    });
    const line = outputText.split("\n")[0]!;
    const nameOf = namesOf([
      { scriptId: "7", sourceMapURL: `data:,${encodeURIComponent(sourceMapText)}` },
    ]);
    const columnNumber = line.indexOf("(");
    const url = pathToFileURL(path.join(projectRoot, "lib/adding.js")).href;
    const callFrame = { scriptId: "7", url, lineNumber: 0, columnNumber };
    const frame = { name: "addAllOf", file: "lib/adding.ts", line: 4 };
    // As it would be called had it been minified.
    expect(nameOf({ ...callFrame, functionName: "a" })).toEqual(frame);
    expect(nameOf({ ...callFrame, functionName: "given" })).toEqual({ ...frame, name: "given" });
  });

  it("are V8's own without a map", () => {
    const url = pathToFileURL(path.join(projectRoot, "lib/log.ts")).href;
    const nameOf = namesOf([{ scriptId: "7", sourceMapURL: "" }]);
    const callFrame = { scriptId: "7", url, lineNumber: 4, columnNumber: 0 };
    const frame = { name: "(anonymous)", file: "lib/log.ts", line: 5 };
    expect(nameOf({ ...callFrame, functionName: "" })).toEqual(frame);
  });

  it.each([
    ["function render(a) {", 0, "render"],
    ["  async function* read() {", 2, "read"],
    ["  private async take(batch) {", 10, "take"],
    ["const add = (a, b) => a + b;", 12, "add"],
    ["  run: async (seconds) => {", 7, "run"],
    ["function render(a) {", 15, "render"],
    ["  list.map((a) => a)", 11, undefined],
    ["  if (a) return;", 2, undefined],
  ])("are read from %j at %i", (line, column, name) => {
    expect(writtenName(line, column)).toBe(name);
  });

  it.each([
    ["webpack://meridian/./lib/log.ts", "lib/log.ts"],
    ["webpack://meridian/lib/log.ts?1a2b", "lib/log.ts"],
    ["webpack://next/./dist/compiled/react/a.js", "node_modules/next/dist/compiled/react/a.js"],
    ["node:net", "node:net"],
    ["wasm://wasm/00a1", "wasm:"],
    ["", ""],
  ])("are paths in it: %s", (source, file) => {
    expect(pathOf(source)).toBe(file);
  });
});
