/** Of a run, in its folder. */
export const HISTORY_FILE = "history.jsonl";
export const stateFile = (region: string) => `state-${region}.json`;
export const isStateFile = (name: string) => /^state-.*\.json$/.test(name);
