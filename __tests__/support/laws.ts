import fc from "fast-check";
import { type EntityPolicy } from "@/lib/db/conflicts/policy";
import { type Row } from "@/lib/db/conflicts/strategies/row";
import { compareClocks } from "@/lib/db/conflicts/vector-clock";
import {
  expectSameRow,
  history,
  numbers,
  play,
  shuffle,
  type History,
  type Merging,
  type Scenario,
} from "./histories";

/** What a join must be. Each throws on rows that break it. */
export const LAWS = {
  commutative(join, [a, b]) {
    expectSameRow(join(a, b), join(b, a), "a ⊔ b and b ⊔ a");
  },
  associative(join, [a, b, c]) {
    expectSameRow(join(join(a, b), c), join(a, join(b, c)), "(a ⊔ b) ⊔ c and a ⊔ (b ⊔ c)");
  },
  idempotent(join, [a, b]) {
    expectSameRow(join(a, a), a, "a ⊔ a and a");
    const joined = join(a, b);
    expectSameRow(join(joined, b), joined, "(a ⊔ b) ⊔ b and a ⊔ b");
  },
  "consistent with causality"(join, [a, b]) {
    const order = compareClocks(a.clock, b.clock);
    if (order === "before") expectSameRow(join(a, b), b, "a ⊔ b, which includes a, and b");
    if (order === "after") expectSameRow(join(a, b), a, "a ⊔ b, which a includes, and a");
  },
} satisfies Record<string, (join: Join, rows: readonly [Row, Row, Row]) => void>;

type Join = (a: Row, b: Row) => Row;
export type Law = keyof typeof LAWS;
export const LAW_NAMES = Object.keys(LAWS) as Law[];

const PICKS = 8;

/** Rows that can come to be: what was written in a history, and what it ended with. */
function checkLaw(
  law: Law,
  scenario: Scenario,
  merging: Merging,
  sound: Merging,
  of: History,
): void {
  const { policy } = scenario;
  // The rows come from a sound history, so that a wrong join is judged by what it makes of them.
  const { events, ends } = play(scenario, sound, of);
  const rows = [...events.map(({ row }) => row), ...ends.slice(0, 1)];
  if (rows.length === 0) return;
  const next = numbers(of.order);
  const join = joinOf(policy, merging);
  for (let turn = 0; turn < PICKS; turn += 1) {
    const [a, b, c] = shuffle([...rows, ...rows, ...rows], next) as [Row, Row, Row];
    LAWS[law](join, [a, b, c]);
    // Versions that no write made: of regions that had received and not yet written.
    LAWS[law](join, [soundJoin(policy, sound, a, c), b, c]);
  }
}

const joinOf =
  (policy: EntityPolicy, { merge }: Merging): Join =>
  (a, b) =>
    merge(policy, a, b).row;
const soundJoin = (policy: EntityPolicy, sound: Merging, a: Row, b: Row) =>
  joinOf(policy, sound)(a, b);

/** Throws what fast-check found, with its seed. */
export function assertLaw(
  law: Law,
  scenario: Scenario,
  merging: Merging,
  sound: Merging,
  parameters: fc.Parameters<[History]>,
): void {
  fc.assert(
    fc.property(history, (of) => checkLaw(law, scenario, merging, sound, of)),
    parameters,
  );
}
