import type { FlameNode, Frame } from "./fold";

/** What an area is drawn in: its parts are told apart by name, not by colour. */
export type AreaKind =
  "project" | "next" | "react" | "prisma" | "driver" | "package" | "node" | "engine";

export interface Area {
  name: string;
  kind: AreaKind;
}

/** Samples of an area. */
export interface AreaShare extends Area {
  /** In which one of its functions ran. */
  self: number;
  /** In which one of its functions ran or waited for what it had called. */
  total: number;
}

const GARBAGE: Area = { name: "garbage collection", kind: "engine" };
const NATIVE: Area = { name: "native code, system calls", kind: "engine" };
const NODE: Area = { name: "Node.js, else", kind: "node" };

/** Modules of Node, by what they are for. The first that fits counts. */
const MODULES: readonly [RegExp, Area][] = [
  [/^node:(internal\/)?crypto/, { name: "Node.js, crypto", kind: "node" }],
  [/^node:zlib/, { name: "Node.js, compression", kind: "node" }],
  [/^node:(internal\/)?(streams?\b|webstreams)/, { name: "Node.js, streams", kind: "node" }],
  [
    /^node:(net|tls|_http|http|internal\/(http|net|stream_base))/,
    { name: "Node.js, sockets and HTTP", kind: "node" },
  ],
  [
    /^node:(async_hooks|internal\/(async_|process\/(task|promises)|timers|promise_hooks))/,
    { name: "Node.js, turns and their context", kind: "node" },
  ],
];

/** The first that fits counts. */
const PACKAGES: readonly [RegExp, Area][] = [
  [/^node_modules\/(react|react-dom|scheduler)\//, { name: "React", kind: "react" }],
  [/^node_modules\/next\/.*\/react(-dom|-server-dom-\w+)?\//, { name: "React", kind: "react" }],
  [/^node_modules\/next\//, { name: "Next.js", kind: "next" }],
  [/^(node_modules\/@prisma\/|lib\/generated\/|wasm:)/, { name: "Prisma", kind: "prisma" }],
  [/^node_modules\/(pg|pg-\w+|pgpass|postgres-\w+)\//, { name: "pg, the driver", kind: "driver" }],
  [/^node_modules\/(ioredis|redis-\w+|@ioredis)\//, { name: "ioredis", kind: "driver" }],
  [/^node_modules\/@opentelemetry\//, { name: "OpenTelemetry", kind: "package" }],
  [/^node_modules\/(iron-\w+|uncrypto)\//, { name: "iron-session", kind: "package" }],
  [/^node_modules\/zod\//, { name: "zod", kind: "package" }],
  [/^node_modules\/prom-client\//, { name: "prom-client", kind: "package" }],
];

/** @param caller the area of what has called it, to which a function of V8's own counts */
export function areaOf({ name, file }: Frame, caller: Area = NODE): Area {
  if (name === "(garbage collector)") return GARBAGE;
  if (name === "(program)") return NATIVE;
  if (file === "") return caller;
  if (file.startsWith("node:")) return MODULES.find(([pattern]) => pattern.test(file))?.[1] ?? NODE;
  const known = PACKAGES.find(([pattern]) => pattern.test(file));
  if (known) return known[1];
  if (file.startsWith("node_modules/")) return { name: "other packages", kind: "package" };
  // What is bundled without a map of its own.
  if (file.startsWith(".next") || !/^[\w[\]()-]/.test(file)) return { name: "other", kind: "node" };
  return { name: projectArea(file), kind: "project" };
}

/** lib/db by its folders, lib by its own, everything else by the first. */
function projectArea(file: string): string {
  const folders = file.split("/").slice(0, -1);
  if (folders.length === 0) return file;
  const depth = folders[0] !== "lib" ? 1 : folders[1] === "db" ? 3 : 2;
  return folders.slice(0, depth).join("/");
}

/** Samples in which a function of these areas ran or waited for what it had called, each counted once. */
export function totalOf(root: FlameNode, isOf: (area: Area) => boolean): number {
  const visit = (node: FlameNode, caller?: Area): number => {
    const area = areaOf(node.frame, caller);
    if (isOf(area)) return node.total;
    return [...node.children.values()].reduce((sum, child) => sum + visit(child, area), 0);
  };
  return [...root.children.values()].reduce((sum, child) => sum + visit(child), 0);
}

/** The areas of all that ran; the most by themselves first. */
export function shareOut(root: FlameNode): AreaShare[] {
  const shares = new Map<string, AreaShare>();
  const visit = (node: FlameNode, above: ReadonlySet<string>, caller?: Area) => {
    const area = areaOf(node.frame, caller);
    const share = shares.get(area.name) ?? { ...area, self: 0, total: 0 };
    shares.set(area.name, share);
    share.self += node.self;
    // An area that calls itself by way of others has these samples already.
    if (!above.has(area.name)) share.total += node.total;
    const along = new Set(above).add(area.name);
    for (const child of node.children.values()) visit(child, along, area);
  };
  for (const child of root.children.values()) visit(child, new Set());
  return [...shares.values()].sort((a, b) => b.self - a.self);
}
