import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { projectRoot } from "@/scripts/local/paths";
import type { CallFrame } from "./cpu-profile";
import type { Frame } from "./fold";
import type { Script } from "./inspector";

const ANONYMOUS = "(anonymous)";

/** So short are names that a minifier gives. */
const MINIFIED = 3;

/** A source map, and lines of what it was made of. */
interface Origin {
  map: SourceMap;
  lineOf(source: string, line: number): string;
}

/** Call frames by the names of the project: paths in it, and functions as they are called in its files. */
export function namesOf(scripts: readonly Script[]): (callFrame: CallFrame) => Frame {
  const urls = new Map(scripts.map(({ scriptId, sourceMapURL }) => [scriptId, sourceMapURL]));
  const origins = new Map<string, Origin | null>();
  const frames = new Map<string, Frame>();
  return (callFrame) => {
    const { scriptId, url, functionName, lineNumber, columnNumber } = callFrame;
    const key = `${scriptId}:${lineNumber}:${columnNumber}:${functionName}`;
    const known = frames.get(key);
    if (known) return known;
    if (!origins.has(scriptId)) origins.set(scriptId, readOrigin(url, urls.get(scriptId) ?? ""));
    const frame = frameOf(callFrame, origins.get(scriptId) ?? null);
    frames.set(key, frame);
    return frame;
  };
}

export function frameOf(callFrame: CallFrame, origin: Origin | null): Frame {
  const { functionName, url, lineNumber, columnNumber } = callFrame;
  const name = functionName || ANONYMOUS;
  const entry = origin?.map.findEntry(lineNumber, columnNumber);
  if (!origin || !entry || !("originalSource" in entry) || !entry.originalSource) {
    return { name, file: pathOf(url), line: lineNumber + 1 };
  }
  const { originalSource, originalLine, originalColumn } = entry;
  const written =
    functionName.length > MINIFIED
      ? undefined
      : writtenName(origin.lineOf(originalSource, originalLine), originalColumn);
  return { name: written ?? name, file: pathOf(originalSource, url), line: originalLine + 1 };
}

const KEYWORDS = new Set(["function", "if", "for", "while", "switch", "catch", "return", "async"]);

/** Of the function that begins at a column of a line, or is given a name to the left of it. */
export function writtenName(line: string, column: number): string | undefined {
  const [before, after] = [line.slice(0, column), line.slice(column)];
  const names = [
    /^(?:async\s+)?function\s*\*?\s*([\w$]+)/.exec(after)?.[1],
    /^(?:(?:async|static|get|set)\s+)*\*?\s*#?([\w$]+)\s*\(/.exec(after)?.[1],
    /([\w$]+)\s*[=:]\s*(?:async\s*)?\(?$/.exec(before)?.[1],
    after.startsWith("(") ? /([\w$]+)$/.exec(before)?.[1] : undefined,
  ];
  return names.find((name) => name !== undefined && !KEYWORDS.has(name));
}

/**
 * In the project, of what a script or a map calls its file.
 *
 * @param script that the map belongs to
 */
export function pathOf(source: string, script = ""): string {
  if (source.startsWith("wasm:")) return "wasm:";
  if (/^webpack:\/\/next\//.test(source)) {
    return relative(path.join("node_modules/next", source.slice("webpack://next/".length)));
  }
  const bundled = /^webpack:\/\/[^/]*\/(.*)$/.exec(source)?.[1];
  if (bundled !== undefined) return relative(bundled.replace(/^\(\w+\)\//, ""));
  if (source.startsWith("file:")) return relative(fileURLToPath(source));
  if (source.startsWith("node:") || source === "") return source;
  const folder = script.startsWith("file:") ? path.dirname(fileURLToPath(script)) : projectRoot;
  return relative(path.resolve(folder, source));
}

function relative(file: string): string {
  const { pathname } = new URL(`file:${path.resolve(projectRoot, file)}`);
  const found = path.relative(projectRoot, decodeURIComponent(pathname));
  // Next.js ships its maps without the files that they name, and bundlers resolve these from where the maps are not.
  return found.replace(/^(\.\.\/\.\.|node_modules\/next\/dist)\/src\//, "node_modules/next/src/");
}

/** Null where a script has no map. */
function readOrigin(url: string, sourceMapURL: string): Origin | null {
  if (sourceMapURL === "") return null;
  const payload = JSON.parse(readMap(url, sourceMapURL)) as SourceMapPayload;
  const lines = new Map<string, string[]>();
  return {
    map: new SourceMap(payload),
    lineOf: (source, line) => {
      if (!lines.has(source)) {
        const content = payload.sourcesContent?.[payload.sources.indexOf(source)] ?? "";
        lines.set(source, content.split("\n"));
      }
      return lines.get(source)?.[line] ?? "";
    },
  };
}

function readMap(url: string, sourceMapURL: string): string {
  const inline = /^data:[^,]*?(;base64)?,(.*)$/s.exec(sourceMapURL);
  if (inline) {
    const [, base64, data = ""] = inline;
    return base64 ? Buffer.from(data, "base64").toString() : decodeURIComponent(data);
  }
  const script = url.startsWith("file:") ? fileURLToPath(url) : url;
  return readFileSync(path.resolve(path.dirname(script), sourceMapURL), "utf8");
}
