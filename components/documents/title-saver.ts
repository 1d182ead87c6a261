import type { TextRefused, TitleSaved } from "@/lib/documents/text/wire";
import type { DocumentClock } from "@/lib/documents/types";

/**
 * - `stored`: as the page was rendered, or as a region has confirmed.
 * - `waiting`: changed, and about to be sent when the typing pauses.
 * - `saving`: on its way.
 * - `offline`: no region took it; it is tried again.
 * - `refused`: not accepted; tried again with the next change.
 */
export type TitleState =
  | { kind: "stored"; regionId: string | null }
  | { kind: "waiting" }
  | { kind: "saving" }
  | { kind: "offline" }
  | { kind: "refused"; message: string };

export type SendTitle = (
  title: string,
  baseVersion: DocumentClock,
) => Promise<TitleSaved | TextRefused>;

/** Long enough that a title is not stored word by word. */
const PAUSE_MS = 1_500;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 15_000;

/** Stores a title while it is typed; one request at a time, and always the latest. */
export class TitleSaver {
  /** The title that the newest known version has. */
  stored: string;
  private base: DocumentClock;
  private wanted: string;
  private sending: Promise<void> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private stopped = false;

  constructor(
    document: { title: string; clock: DocumentClock },
    private readonly options: { send: SendTitle; onState(state: TitleState): void },
  ) {
    this.stored = this.wanted = document.title;
    this.base = document.clock;
  }

  /** The field holds this now. */
  typed(title: string): void {
    this.wanted = title;
    clearTimeout(this.timer);
    if (this.isStored()) {
      this.show({ kind: "stored", regionId: null });
      return;
    }
    this.show({ kind: "waiting" });
    this.schedule(PAUSE_MS);
  }

  /** A version that the page was rendered with again, such as after the form was sent. */
  rendered(document: { title: string; clock: DocumentClock }): void {
    this.base = document.clock;
    if (this.sending) return;
    this.stored = document.title;
    if (this.isStored()) {
      clearTimeout(this.timer);
      this.show({ kind: "stored", regionId: null });
    }
  }

  /** Leaves what has not been sent to the form. Null, unless something is on its way. */
  leaveToForm(): Promise<void> | null {
    clearTimeout(this.timer);
    return this.sending?.then(() => clearTimeout(this.timer)) ?? null;
  }

  /** The browser is online again, or the page is about to be left. */
  now(): void {
    clearTimeout(this.timer);
    if (!this.isStored() && !this.stopped) this.sending ??= this.send().finally(() => this.sent());
  }

  stop(): void {
    this.now();
    this.stopped = true;
  }

  private async send(): Promise<void> {
    const title = this.wanted;
    this.show({ kind: "saving" });
    try {
      const answer = await this.options.send(title, this.base);
      this.failures = 0;
      if (answer.ok) {
        this.stored = answer.title;
        this.base = answer.clock;
        const { regionId } = answer.receipt;
        this.show(this.isStored() ? { kind: "stored", regionId } : { kind: "waiting" });
      } else if (answer.code === "behind" || answer.code === "unavailable") {
        this.away();
      } else {
        this.show({ kind: "refused", message: answer.message });
      }
    } catch {
      this.away();
    }
  }

  private sent(): void {
    this.sending = null;
    if (this.failures === 0 && this.last.kind === "waiting") this.schedule(PAUSE_MS);
  }

  private away(): void {
    this.failures++;
    this.show({ kind: "offline" });
    this.schedule(Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.failures - 1, 10)));
  }

  private isStored(): boolean {
    return this.wanted.trim() === this.stored;
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => this.now(), ms);
  }

  private last: TitleState = { kind: "stored", regionId: null };

  private show(state: TitleState): void {
    this.last = state;
    if (!this.stopped) this.options.onState(state);
  }
}
