/** Texts that are named: each connection keeps their plans. The rest, such as lists of many lengths, are parsed each time. */
const MAX_NAMED = 250;

/** No name: parsed with each call. */
const UNNAMED = "";

/**
 * Names statements by their texts, so that each connection parses and plans one of them once and not with each call.
 * Half of what a database does for a transfer was that: docs/ORDERS.md.
 */
export class StatementNames {
  private readonly names = new Map<string, string>();

  constructor(private readonly max = MAX_NAMED) {}

  /** The same for the same text, and never the same for another one; empty for a text that is not named. */
  of(text: string): string {
    const known = this.names.get(text);
    if (known !== undefined) return known;
    if (this.names.size >= this.max) return UNNAMED;
    const name = `mr_app_${this.names.size}`;
    this.names.set(text, name);
    return name;
  }
}
