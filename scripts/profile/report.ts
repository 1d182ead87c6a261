import { shareOut, type AreaShare } from "./areas";
import type { CpuProfile } from "./cpu-profile";
import { hottest, type FlameNode, type Frame } from "./fold";
import { percent } from "./flame-svg";

/** What a process has done under one load. */
export interface Watched {
  load: string;
  unit: string;
  times: number;
  profile: CpuProfile;
  /** Of CPU, of all its threads. */
  seconds: number;
  /** That passed meanwhile. */
  elapsed: number;
}

/** A process under its loads. */
export interface Profiled {
  watched: readonly Watched[];
  /** Of all loads, and of each. */
  all: FlameNode;
  each: readonly FlameNode[];
}

const TOP = 10;

/** Areas that take less of all are one row. */
const LEAST_AREA = 0.005;

/** What was done, and what it cost. */
export function tableOfLoads({ watched }: Profiled): string {
  const rows = watched.map(({ load, unit, times, seconds, elapsed }) => [
    load,
    `${Math.round(times / elapsed).toLocaleString("en")}/s`,
    `${((1_000 * seconds) / times).toPrecision(2)} ms a ${unit}`,
    (seconds / elapsed).toFixed(2),
  ]);
  return table(["Load", "Done", "CPU of the process", "Cores"], rows);
}

/** Where the time goes: of all loads together, with what an area has called, and of each load. */
export function tableOfAreas({ watched, all, each }: Profiled): string {
  const shares = shareOut(all);
  const columns = each.length < 2 ? [] : each.map((root) => ({ root, shares: shareOut(root) }));
  const row = (name: string, { self, total }: Pick<AreaShare, "self" | "total">, of: string[]) => [
    name,
    percent(self / all.total),
    percent(total / all.total),
    ...of,
  ];
  const isShown = ({ self }: AreaShare) => self >= LEAST_AREA * all.total;
  const rows = shares.filter(isShown).map((share) =>
    row(
      share.name,
      share,
      columns.map(({ root, shares: its }) => percent(selfOf(its, share.name) / root.total)),
    ),
  );
  const rest = shares.filter((share) => !isShown(share));
  const self = rest.reduce((sum, share) => sum + share.self, 0);
  const names = ["Area", "Itself", "With what it calls"];
  const head = [...names, ...(columns.length > 0 ? watched.map(({ load }) => load) : [])];
  const last = [`${rest.length} others`, percent(self / all.total), ...head.slice(2).map(() => "")];
  return table(head, rest.length > 0 ? [...rows, last] : rows);
}

export function selfOf(shares: readonly AreaShare[], name: string): number {
  return shares.find((share) => share.name === name)?.self ?? 0;
}

export function tableOfFunctions({ all }: Profiled): string {
  const rows = hottest(all)
    .slice(0, TOP)
    .map(({ frame, self }) => [`\`${frame.name}\``, placeOf(frame), percent(self / all.total)]);
  return table(["Function", "Where", "Itself"], rows);
}

function placeOf({ file, line }: Frame): string {
  return file === ""
    ? ""
    : `\`${file.replace(/^node_modules\//, "")}${line > 0 ? `:${line}` : ""}\``;
}

/** As Prettier writes it: columns as wide as what is in them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
