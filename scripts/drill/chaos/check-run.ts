import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { judge, type Violation } from "./checkers/all";
import { runOf } from "./checkers/run";
import { readHistory } from "./history";
import type { RegionState } from "./region-state";
import { HISTORY_FILE, isStateFile } from "./run-files";

/** Judges a run that was stored, by its files alone. */
export function checkRun(dir: string): Violation[] {
  const states = readdirSync(dir)
    .filter(isStateFile)
    .map((name) => JSON.parse(readFileSync(path.join(dir, name), "utf8")) as RegionState);
  if (states.length === 0) throw new Error(`There are no final states in ${dir}`);
  return judge(runOf(readHistory(path.join(dir, HISTORY_FILE)), states));
}
