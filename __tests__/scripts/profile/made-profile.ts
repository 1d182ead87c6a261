import type { CpuProfile } from "@/scripts/profile/cpu-profile";
import type { FlameNode, Frame } from "@/scripts/profile/fold";

/** Call frames in a test are named as functions of the project are. */
export const asIs = ({
  functionName,
  url,
  lineNumber,
}: {
  functionName: string;
  url: string;
  lineNumber: number;
}): Frame => ({ name: functionName, file: url, line: lineNumber });

/** A call, what it calls, and how many samples fell on itself. */
export interface Call {
  name: string;
  file?: string;
  self?: number;
  calls?: readonly Call[];
}

/** A profile of these calls, as V8 writes it: a list of nodes, and samples that are mixed. */
export function profileOf(calls: readonly Call[]): CpuProfile {
  const nodes: { id: number; callFrame: ReturnType<typeof frame>; children: number[] }[] = [];
  const samples: number[] = [];
  const add = ({ name, file = "", self = 0, calls: inner = [] }: Call): number => {
    const node = { id: nodes.length + 1, callFrame: frame(name, file), children: [] as number[] };
    nodes.push(node);
    for (let n = 0; n < self; n++) samples.splice((n * 7) % (samples.length + 1), 0, node.id);
    node.children.push(...inner.map(add));
    return node.id;
  };
  add({ name: "(root)", calls });
  return { nodes, samples };
}

const frame = (functionName: string, url: string) => ({
  functionName,
  url,
  scriptId: "1",
  lineNumber: url === "" ? 0 : 1,
  columnNumber: 0,
});

/** The child of that name. */
export function childOf(node: FlameNode, name: string): FlameNode {
  const found = [...node.children.values()].filter((child) => child.frame.name === name);
  if (found.length !== 1) throw new Error(`${found.length} × ${name}`);
  return found[0]!;
}
