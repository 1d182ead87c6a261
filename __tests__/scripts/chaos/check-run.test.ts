import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkRun } from "@/scripts/drill/chaos/check-run";
import { HistoryWriter, operationsOf, readHistory } from "@/scripts/drill/chaos/history";
import { HISTORY_FILE, stateFile } from "@/scripts/drill/chaos/run-files";
import { goodStory } from "./good-story";
import { REGIONS } from "./support";

describe("a stored run", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "chaos-"));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const file = () => path.join(dir, HISTORY_FILE);

  it("is judged by its files alone", () => {
    const { events, states } = goodStory().end();
    writeFileSync(file(), events.map((event) => `${JSON.stringify(event)}\n`).join(""));
    for (const state of states)
      writeFileSync(path.join(dir, stateFile(state.region)), JSON.stringify(state));
    expect(checkRun(dir)).toEqual([]);
    const lost = { ...states[0]!, elements: [] };
    writeFileSync(path.join(dir, stateFile(lost.region)), JSON.stringify(lost));
    expect(checkRun(dir).map(({ checker }) => checker)).toContain("no-loss");
  });

  it("is not judged without the states in the end", () => {
    writeFileSync(file(), "");
    expect(() => checkRun(dir)).toThrow("final states");
  });

  it("tells what is known from what is open, by one clock", () => {
    const history = new HistoryWriter(file());
    const call = { product: "p", key: "k", quantity: 1 };
    const calls = [1, 2, 3, 4].map(() => history.invoke("inventory/reserve", REGIONS[0]!, call));
    calls[0]!.ok({ origin: "us-east-1", position: "1", reservation: "r", region: "us-east-1" });
    calls[1]!.fail("refused");
    calls[2]!.info("no answer");
    expect(history.acknowledged).toBe(1);
    history.close();
    // What a crash of the drill cut off.
    appendFileSync(file(), '{"type":"ok","op":3');
    const events = readHistory(file());
    expect(events.map(({ atMs }) => atMs)).toEqual(
      events.map(({ atMs }) => atMs).sort((a, b) => a - b),
    );
    const operations = operationsOf(events);
    expect(operations.map(({ outcome }) => outcome)).toEqual(["ok", "fail", "info", "info"]);
    expect(operations.map(({ endedMs }) => endedMs < Infinity)).toEqual([true, true, false, false]);
  });
});
