/** Where V8 says that a function is; lines and columns from 0. */
export interface CallFrame {
  functionName: string;
  scriptId: string;
  url: string;
  lineNumber: number;
  columnNumber: number;
}

/** A function as it was called from another one. */
export interface ProfileNode {
  id: number;
  callFrame: CallFrame;
  children?: readonly number[];
}

/** V8's `Profiler.Profile`, and what a `.cpuprofile` is, as far as it is read here. */
export interface CpuProfile {
  /** The first is the root. */
  nodes: readonly ProfileNode[];
  /** Nodes that were running, at equal intervals. */
  samples: readonly number[];
}
