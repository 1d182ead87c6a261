import type { Durability } from "@/lib/db/conflicts/policy";

/** A version's place in the stream of the actor that wrote it. Positions are decimal text. */
export interface Stamp {
  origin: string;
  position: string;
}

/** Vector clock of a row. */
export type Clock = Readonly<Record<string, number>>;

/**
 * What clients ask for, and what they are answered, by name: `<workload>/<operation>`. All of it is in
 * the history, so that checkers need nothing else; JSON-safe.
 */
export interface Calls {
  /** An element of a set that only grows: a row through the leader, or a document in the nearest region. */
  "set/add": {
    call: { element: string; by: "leader" | "nearest"; durability: Durability };
    answer: Stamp;
  };
  /**
   * A register in a row of a single-leader entity, with quorum durability; "" before it is there. Reads are strong.
   * Every write is a comparison too: one that is made again under another leader has to find what it did before.
   */
  "register/read": { call: { key: string }; answer: { value: string } };
  "register/cas": { call: { key: string; from: string; to: string }; answer: { swapped: boolean } };
  /** The document of a session, which it makes as its first write; `count`, which grows, is in its title. */
  "session/write": {
    call: { session: string; count: number };
    answer: Stamp & { clock: Clock };
  };
  "session/read": {
    call: { session: string };
    /** The stamp is the version's that was shown; none, and a count of -1, where no document was. */
    answer: Stamp & {
      count: number;
      clock: Clock;
      /** The receipt says that the answer may lack something. */
      stale: boolean;
      /** False while what other devices saw was not known. */
      complete: boolean;
      region: string;
    };
  };
  "inventory/reserve": {
    call: { product: string; key: string; quantity: number };
    answer: Stamp & { reservation: string; region: string };
  };
  "inventory/settle": {
    call: { reservation: string; quantity: number; to: "confirmed" | "released" };
    /** `held`: by a majority of the regions. */
    answer: Stamp & { status: string; held: boolean };
  };
  /** `seen`: lines that the writer saw since its last own one. */
  "text/append": { call: { document: string; line: string; seen: string[] }; answer: Stamp };
  "text/read": { call: { document: string }; answer: { lines: string[]; stale: boolean } };
  "rows/insert": { call: { element: string }; answer: Stamp & { id: string } };
  "rows/delete": { call: { id: string }; answer: Stamp };
  "rows/read": {
    call: { id: string; session: string };
    answer: { found: boolean; stale: boolean };
  };
  "bank/transfer": {
    call: { key: string; debit: string; credit: string; amount: number };
    answer: Stamp;
  };
  /** A text that may be in the named regions alone. */
  "canary/write": { call: { text: string; regions: string[] }; answer: Stamp };
}

export type CallName = keyof Calls;
export type CallOf<N extends CallName> = Calls[N]["call"];
export type AnswerOf<N extends CallName> = Calls[N]["answer"];

/** The part of a call's name before the stroke. */
export function workloadOf(name: CallName): string {
  return name.slice(0, name.indexOf("/"));
}

const READS: readonly CallName[] = ["register/read", "session/read", "text/read", "rows/read"];

export function isRead(name: CallName): boolean {
  return READS.includes(name);
}
