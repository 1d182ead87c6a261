import { bank } from "./bank";
import { causalOrder } from "./causal-order";
import { convergence } from "./convergence";
import { epochs } from "./epochs";
import { escrow } from "./escrow";
import { exactlyOnce } from "./exactly-once";
import { linearizability } from "./linearizability";
import { liveness } from "./liveness";
import { noGhosts } from "./no-ghosts";
import { noLoss } from "./no-loss";
import { noResurrection } from "./no-resurrection";
import { prefix } from "./prefix";
import { residency } from "./residency";
import type { Checker, Run } from "./run";
import { monotonicReads, monotonicWrites, readYourWrites, writesFollowReads } from "./sessions";

export const CHECKERS: readonly Checker[] = [
  noLoss,
  noGhosts,
  exactlyOnce,
  prefix,
  convergence,
  readYourWrites,
  monotonicReads,
  monotonicWrites,
  writesFollowReads,
  causalOrder,
  linearizability,
  epochs,
  escrow,
  bank,
  noResurrection,
  residency,
  liveness,
];

export interface Violation {
  checker: string;
  detail: string;
}

export function judge(run: Run): Violation[] {
  return CHECKERS.flatMap(({ name, check }) =>
    check(run).map((detail) => ({ checker: name, detail })),
  );
}
