import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ALARM_KINDS } from "@/lib/alarms/alarm";
import { projectRoot } from "@/scripts/local/paths";

const read = (file: string) => readFileSync(path.join(projectRoot, file), "utf8");
const runbook = read("docs/RUNBOOK.md");

/** As `npm run region -- --help` lists them. */
function regionCommands(): string[] {
  const help = execFileSync(process.execPath, ["scripts/bootstrap.mjs", "region", "--help"], {
    cwd: projectRoot,
    encoding: "utf8",
  });
  const [, list = ""] = /\nCommands:\n([\s\S]*)/.exec(help) ?? [];
  return [...list.matchAll(/^  ([a-z]+)/gm)].flatMap(([, name]) => name ?? []);
}

describe("the runbook", () => {
  it("has what to do for every alarm, and for no other", () => {
    const [, alarms = ""] = /\n## Alarms\n([\s\S]*?)\n## /.exec(runbook) ?? [];
    const sections = alarms.split("\n### ").slice(1);
    expect(sections.map((text) => text.split("\n", 1)[0])).toEqual([...ALARM_KINDS]);
    for (const text of sections) {
      for (const part of ["**Means**", "**Check**", "**Do**"]) expect(text).toContain(part);
    }
  });

  it("names commands that exist", () => {
    const named = [...runbook.matchAll(/npm run region -- ([a-z-]+)/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(10);
    const commands = regionCommands();
    for (const name of named) expect(commands).toContain(name);
    const { scripts } = JSON.parse(read("package.json")) as {
      scripts: Record<string, string>;
    };
    for (const [, name] of runbook.matchAll(/npm run ([a-z:]+)/g)) {
      expect(Object.keys(scripts)).toContain(name);
    }
  });
});
