import type { RowsPart } from "@/lib/db/failover/region-control";
import type { Actor } from "@/lib/db/regions/region-id";
import type { Position, Positions } from "@/lib/db/sessions/positions";

/** A stretch of one actor's stream. */
export interface Batch {
  readonly actor: Actor;
  readonly prev: number;
  readonly upto: number;
  readonly positions: readonly number[];
}

/**
 * The rows of one database and its outbox. Every row is written once and never changed, so it is known by
 * the actor that wrote it and its position.
 */
export class Rows {
  /** How far each other actor's stream has been applied. Replaced, not changed: samples keep it. */
  cursors: Positions = new Map();
  private readonly byActor = new Map<Actor, Set<number>>();
  private readonly open = new Set<number>();
  private lastPosition = 0;

  constructor(private readonly actor: Actor) {}

  /** A transaction's first write takes its position, which is not yet the order of commits. */
  begin(): number {
    this.lastPosition += 1;
    this.open.add(this.lastPosition);
    return this.lastPosition;
  }

  isOpen(position: number): boolean {
    return this.open.has(position);
  }

  hasOpen(): boolean {
    return this.open.size > 0;
  }

  commit(position: number): void {
    this.open.delete(position);
    this.of(this.actor).add(position);
  }

  abort(position: number): void {
    this.open.delete(position);
  }

  abortOpen(): void {
    this.open.clear();
  }

  has(actor: Actor, position: number): boolean {
    return this.byActor.get(actor)?.has(position) ?? false;
  }

  /** How many of an actor's rows are here. */
  countOf(actor: Actor): number {
    return this.byActor.get(actor)?.size ?? 0;
  }

  cursorOf(actor: Actor): number {
    return Number(this.cursors.get(actor) ?? 0n);
  }

  lastEvent(): Position {
    let last = 0;
    for (const position of this.of(this.actor)) if (position > last) last = position;
    return BigInt(last) as Position;
  }

  /** Of mr.read_outbox: only below the oldest transaction that is open. Null where there is nothing. */
  read(after: number): Batch | null {
    const horizon = this.open.size > 0 ? Math.min(...this.open) : Infinity;
    if (this.lastPosition <= after) return null;
    const positions = [...this.of(this.actor)].filter((at) => at > after && at < horizon);
    if (positions.length === 0) return null;
    return { actor: this.actor, prev: after, upto: Math.max(...positions), positions };
  }

  /** Of mr.apply_batch: a batch that does not begin where the cursor is is left alone. */
  apply({ actor, prev, upto, positions }: Batch): void {
    if (this.cursorOf(actor) !== prev) return;
    for (const position of positions) this.of(actor).add(position);
    this.cursors = new Map(this.cursors).set(actor, BigInt(upto) as Position);
  }

  /** Of the outbox, whatever transactions are open. */
  written(after: Position): RowsPart[] {
    return part(this.actor, this.of(this.actor), Number(after));
  }

  /** Of mr.rows_beyond. */
  beyond(own: Actor, held: Positions): RowsPart[] {
    return [...this.byActor].flatMap(([actor, rows]) =>
      actor === own ? [] : part(actor, rows, Number(held.get(actor) ?? 0n)),
    );
  }

  merge(parts: readonly RowsPart[]): void {
    for (const { payload } of parts) {
      const { actor, positions } = JSON.parse(payload.toString()) as Pick<
        Batch,
        "actor" | "positions"
      >;
      for (const position of positions) this.of(actor).add(position);
    }
  }

  private of(actor: Actor): Set<number> {
    let rows = this.byActor.get(actor);
    if (!rows) this.byActor.set(actor, (rows = new Set()));
    return rows;
  }
}

function part(actor: Actor, rows: ReadonlySet<number>, after: number): RowsPart[] {
  const positions = [...rows].filter((position) => position > after);
  if (positions.length === 0) return [];
  const payload = Buffer.from(JSON.stringify({ actor, positions }));
  return [{ entity: "User", events: positions.length, payload }];
}
