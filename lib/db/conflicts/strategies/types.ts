import { type RegisterStrategy } from "@/lib/db/conflicts/policy";
import { boundedCounter } from "./bounded-counter";
import { DELETION_TYPES } from "./deletion";
import { max, min } from "./extremum";
import { firstWriteWins } from "./first-write-wins";
import { lastWriteWins, text } from "./last-write-wins";
import { orSet } from "./or-set";
import { pnCounter } from "./pn-counter";
import { type RegisterType } from "./register";
import { siblings } from "./siblings";

export const REGISTER_TYPES: Readonly<Record<RegisterStrategy, RegisterType>> = {
  "last-write-wins": lastWriteWins,
  "first-write-wins": firstWriteWins,
  max,
  min,
  "pn-counter": pnCounter,
  "bounded-counter": boundedCounter,
  "or-set": orSet,
  text,
  manual: siblings,
  custom: siblings,
};

/** How everything is joined. */
export interface JoinTypes {
  readonly registers: typeof REGISTER_TYPES;
  readonly deletions: typeof DELETION_TYPES;
}

export const JOIN_TYPES: JoinTypes = { registers: REGISTER_TYPES, deletions: DELETION_TYPES };
