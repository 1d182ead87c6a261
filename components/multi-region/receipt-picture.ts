import type { Receipt } from "@/lib/db/read-your-writes";

/**
 * - `has-all`: the region has everything that was required.
 * - `behind`: it lacks some of it.
 * - `unknown`: it has not been heard of.
 * - `down`: it could not be reached.
 */
export type CandidateState = "has-all" | "behind" | "unknown" | "down";

export interface PictureBar {
  actor: string;
  /** How far the bar reaches, in percent of the way to the mark; 100 is at the mark or past it. */
  reach: number;
}

export interface PictureRow {
  regionId: string;
  asked: boolean;
  answered: boolean;
  state: CandidateState;
  bars: PictureBar[];
}

/** A bar that falls short is drawn between these, so that it is seen to be there and to fall short. */
const SHORTEST = 20;
const LONGEST_SHORT = 85;

/**
 * The regions that could have answered, beside what was required of them. Empty where nothing was.
 * Positions are compared as integers and never become numbers; only their proportion does. Pure.
 */
export function pictureOf(receipt: Receipt): PictureRow[] {
  const required = Object.entries(receipt.required);
  const candidates = receipt.candidates ?? [];
  if (required.length === 0) return [];
  return candidates.map(({ regionId, down, applied }) => ({
    regionId,
    asked: regionId === receipt.vantage,
    answered: regionId === receipt.regionId,
    state: stateOf(required, applied, down),
    bars: required.map(([actor, mark]) => {
      const all = candidates.map((candidate) => parse(candidate.applied[actor]));
      return { actor, reach: reachOf(parse(applied[actor]), parse(mark), all) };
    }),
  }));
}

function stateOf(
  required: [string, string][],
  applied: Readonly<Record<string, string>>,
  down: boolean,
): CandidateState {
  const covers = required.every(([actor, mark]) => {
    const has = parse(applied[actor]);
    const wanted = parse(mark);
    return has !== null && wanted !== null && has >= wanted;
  });
  if (down) return "down";
  if (covers) return "has-all";
  return Object.keys(applied).length === 0 ? "unknown" : "behind";
}

function reachOf(has: bigint | null, mark: bigint | null, all: (bigint | null)[]): number {
  if (has === null || mark === null) return 0;
  if (has >= mark) return 100;
  const least = all.reduce<bigint>((low, one) => (one !== null && one < low ? one : low), has);
  const share = mark > least ? Number(((has - least) * 100n) / (mark - least)) : 0;
  return SHORTEST + Math.round((share * (LONGEST_SHORT - SHORTEST)) / 100);
}

function parse(text: string | undefined): bigint | null {
  return text !== undefined && /^[0-9]{1,19}$/.test(text) ? BigInt(text) : null;
}

/** What the picture shows, for those who hear it. */
export function describePicture(
  rows: readonly PictureRow[],
  city: (regionId: string) => string,
): string {
  const said: Record<CandidateState, string> = {
    "has-all": "has all that was required",
    behind: "lacks some of what was required",
    unknown: "has not been heard of",
    down: "does not answer",
  };
  return rows
    .map(({ regionId, asked, answered, state }) => {
      const roles = [asked ? "asked from here" : "", answered ? "answered" : ""].filter(Boolean);
      return `${city(regionId)}${roles.length > 0 ? ` (${roles.join(", ")})` : ""} ${said[state]}.`;
    })
    .join(" ");
}
