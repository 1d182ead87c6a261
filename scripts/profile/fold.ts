import type { CallFrame, CpuProfile, ProfileNode } from "./cpu-profile";

/** A function by the names of the project. */
export interface Frame {
  name: string;
  /** A path in the project, a module of Node, or empty for what V8 itself does. */
  file: string;
  /** From 1; 0 where there is none. */
  line: number;
}

/** A function with those that called it, and all samples of the same way there. */
export interface FlameNode {
  frame: Frame;
  /** Samples in which it ran itself. */
  self: number;
  /** Samples in which it or what it has called ran. */
  total: number;
  children: Map<string, FlameNode>;
}

/** V8's for the time in which a process waits. */
const IDLE = "(idle)";

export const frameKey = ({ name, file, line }: Frame): string => `${name} ${file}:${line}`;

const nodeOf = (frame: Frame): FlameNode => ({ frame, self: 0, total: 0, children: new Map() });

/**
 * Calls of the same functions by the same way become one, also over several profiles, and so does a function that
 * calls itself, by others of its file or at once: how often it does depends on what it walks through, and says nothing
 * of what it costs. Without the time in which nothing was done.
 *
 * @param frameOf what a call frame is called in the project
 */
export function fold(
  profiles: readonly CpuProfile[],
  frameOf: (callFrame: CallFrame) => Frame,
): FlameNode {
  const root = nodeOf({ name: "all", file: "", line: 0 });
  for (const profile of profiles) add(root, profile, frameOf);
  addUp(root);
  return root;
}

function add(root: FlameNode, profile: CpuProfile, frameOf: (callFrame: CallFrame) => Frame): void {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const samples = new Map<number, number>();
  for (const id of profile.samples) samples.set(id, (samples.get(id) ?? 0) + 1);
  const visit = (from: ProfileNode, way: readonly [FlameNode, ...FlameNode[]]) => {
    way[0].self += samples.get(from.id) ?? 0;
    for (const id of from.children ?? []) {
      const node = nodes.get(id);
      if (!node || node.callFrame.functionName === IDLE) continue;
      visit(node, called(way, frameOf(node.callFrame)));
    }
  };
  const [first] = profile.nodes;
  if (first) visit(first, [root]);
}

/** @param way what runs, and what has called it, innermost first */
function called(
  way: readonly [FlameNode, ...FlameNode[]],
  frame: Frame,
): readonly [FlameNode, ...FlameNode[]] {
  const key = frameKey(frame);
  for (const [depth, node] of way.entries()) {
    if (node.frame.file !== frame.file) break;
    if (frameKey(node.frame) === key) return [node, ...way.slice(depth + 1)];
  }
  const [parent] = way;
  const child = parent.children.get(key) ?? nodeOf(frame);
  parent.children.set(key, child);
  return [child, ...way];
}

function addUp(node: FlameNode): number {
  node.total = node.self;
  for (const child of node.children.values()) node.total += addUp(child);
  return node.total;
}

/**
 * Functions with the samples in which they ran themselves, whoever called them; the most first. One that is V8's own, or
 * native, is found by the file that calls it.
 */
export function hottest(root: FlameNode): { frame: Frame; self: number }[] {
  const found = new Map<string, { frame: Frame; self: number }>();
  const visit = ({ frame: called, self, children }: FlameNode, caller: string) => {
    const frame = called.file === "" ? { ...called, file: caller } : called;
    const known = found.get(frameKey(frame));
    if (known) known.self += self;
    else found.set(frameKey(frame), { frame, self });
    for (const child of children.values()) visit(child, frame.file);
  };
  for (const child of root.children.values()) visit(child, "");
  return [...found.values()].sort((a, b) => b.self - a.self);
}
