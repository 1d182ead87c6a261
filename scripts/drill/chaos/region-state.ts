import type { Clock } from "./calls";

export interface StateRow {
  entity: string;
  id: string;
  /** Of all that is in the row. */
  digest: string;
}

export interface StoredTransfer {
  key: string;
  debit: string;
  credit: string;
  amount: number;
}

export interface StoredReservation {
  id: string;
  key: string;
  quantity: number;
  status: string;
}

/** Of one product. */
export interface Inventory {
  product: string;
  /** With which the product was made. */
  stock: number;
  free: number;
  /** Units that each actor may sell. */
  rights: Readonly<Record<string, number>>;
  reservations: readonly StoredReservation[];
}

export function reservationsIn({
  inventory,
}: Pick<RegionState, "inventory">): readonly StoredReservation[] {
  return inventory.flatMap(({ reservations }) => reservations);
}

/** What one region has in the end: one file each. */
export interface RegionState {
  region: string;
  /** Live rows that every region has to have: of replicated entities, unless they are placed. */
  rows: readonly StateRow[];
  /** Elements of the set, by what they were added through; one that is there twice is listed twice. */
  elements: readonly string[];
  registers: Readonly<Record<string, string>>;
  /** Documents of sessions, by the session. */
  sessions: Readonly<Record<string, { count: number; clock: Clock }>>;
  /** Lines of each shared document. */
  texts: Readonly<Record<string, readonly string[]>>;
  /** Ids of documents that were made to be deleted, and live. */
  insertedIds: readonly string[];
  transfers: readonly StoredTransfer[];
  /** As the database keeps them, by account. */
  balances: Readonly<Record<string, number>>;
  /** One for each product. */
  inventory: readonly Inventory[];
  /** Rows that this region could not apply, as `<entity>/<id>`. */
  parked: readonly string[];
  /** Writes of a former leader that had not been told, as `<entity>/<id>`, with what became of each. */
  stranded: Readonly<Record<string, string>>;
  /** Regions that were promoted, by epoch. */
  promotions: Readonly<Record<string, readonly string[]>>;
  /** Canaries that were found in it, with where. */
  canaries: Readonly<Record<string, readonly string[]>>;
}
