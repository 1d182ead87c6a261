import * as Y from "yjs";
import { bytesOf, toBase64, type TextNews, type TextRefused } from "@/lib/documents/text/wire";
import type { Transport } from "./transport";
import type { UnsentStore } from "./unsent-store";

/**
 * - `loading`: nothing has been heard of the document yet.
 * - `saved`: a region has confirmed every edit.
 * - `saving`: edits are on their way, or about to be.
 * - `offline`: no region answers; edits are kept and tried again.
 * - `refused`: the edits were not accepted; they are tried again with the next one.
 */
export type SyncPhase = "loading" | "saved" | "saving" | "offline" | "refused";

export interface SyncState {
  phase: SyncPhase;
  /** Edits that no region has confirmed. */
  unsent: number;
  /** Somebody else's text arrived beside edits that were not confirmed, or after being offline. */
  merged: boolean;
  /** Where the last edit was stored, or the text was read. */
  regionId: string | null;
  /** Why edits were refused. */
  message: string | null;
  present: TextNews["present"];
}

export interface TextSyncOptions {
  transport: Transport;
  store: UnsentStore;
  onState(state: SyncState): void;
  /** Whether the page can be seen; one that can't is kept up to date less often. */
  isVisible?: () => boolean;
}

const BATCH_MS = 300;
const POLL_MS = 1_000;
const HIDDEN_POLL_MS = 10_000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;

const REMOTE = Symbol("remote");

/** Keeps a text in the browser and the stored one together. One request of each kind at a time. */
export class TextSync {
  readonly doc = new Y.Doc();
  readonly text = this.doc.getText("content");
  state: SyncState = {
    phase: "loading",
    unsent: 0,
    merged: false,
    regionId: null,
    message: null,
    present: [],
  };

  private unsent: Uint8Array | null = null;
  private sending: Promise<boolean> | null = null;
  private polling: Promise<void> | null = null;
  private marker = "";
  private failures = 0;
  private wholeNext = false;
  private wasOffline = false;
  private stopped = false;
  private sendTimer: ReturnType<typeof setTimeout> | undefined;
  private pollTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: TextSyncOptions) {
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== REMOTE) this.edited(update, 1);
    });
  }

  start(): void {
    const left = this.options.store.takeOver();
    if (left) {
      Y.applyUpdate(this.doc, left, REMOTE);
      this.edited(left, 1);
    }
    this.poll();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.sendTimer);
    clearTimeout(this.pollTimer);
    this.doc.destroy();
  }

  /** Asks at once: the page is visible or online again. */
  wake(): void {
    this.poll();
    if (this.unsent) void this.flush();
  }

  /** Sends what there is now. Whether a region has confirmed all of it. */
  async flush(): Promise<boolean> {
    clearTimeout(this.sendTimer);
    while ((this.unsent || this.sending) && !this.stopped) {
      this.sending ??= this.send().finally(() => {
        this.sending = null;
      });
      if (!(await this.sending)) return false;
    }
    return this.unsent === null;
  }

  private edited(update: Uint8Array, edits: number): void {
    this.unsent = this.unsent ? Y.mergeUpdates([this.unsent, update]) : update;
    this.options.store.keep(this.unsent);
    const { phase } = this.state;
    this.show({
      unsent: this.state.unsent + edits,
      phase: phase === "offline" || phase === "loading" ? phase : "saving",
      merged: false,
    });
    if (!this.sending && phase !== "offline") this.schedule(BATCH_MS);
  }

  private schedule(ms: number): void {
    clearTimeout(this.sendTimer);
    if (!this.stopped) this.sendTimer = setTimeout(() => void this.flush(), ms);
  }

  private async send(): Promise<boolean> {
    const batch = this.unsent;
    if (!batch) return true;
    const edits = this.state.unsent;
    const update = this.wholeNext ? Y.encodeStateAsUpdate(this.doc) : batch;
    // What is typed while it is on its way goes with the next one.
    this.unsent = null;
    try {
      const answer = await this.options.transport.send(toBase64(update));
      if (answer.ok) {
        this.confirmed(edits, answer.receipt.regionId);
        return true;
      }
      this.putBack(batch);
      this.refused(answer);
    } catch {
      this.putBack(batch);
      this.away();
    }
    return false;
  }

  private confirmed(edits: number, regionId: string): void {
    this.failures = 0;
    this.wholeNext = false;
    if (this.unsent) this.options.store.keep(this.unsent);
    else this.options.store.clear();
    const unsent = this.unsent ? Math.max(1, this.state.unsent - edits) : 0;
    this.show({ unsent, phase: unsent > 0 ? "saving" : "saved", regionId, message: null });
    // Others may have written meanwhile, and after being offline they probably have.
    if (this.wasOffline) this.poll();
  }

  private putBack(batch: Uint8Array): void {
    this.unsent = this.unsent ? Y.mergeUpdates([batch, this.unsent]) : batch;
  }

  private refused({ code, message }: TextRefused): void {
    switch (code) {
      case "behind":
        // The region lacks something that this edit builds on, and that is here.
        this.wholeNext = true;
        return this.away();
      case "unavailable":
        return this.away();
      default:
        this.show({ phase: "refused", message });
    }
  }

  private away(): void {
    this.failures++;
    this.wasOffline = true;
    this.show({ phase: "offline" });
    this.schedule(this.retryMs());
  }

  private retryMs(): number {
    const ms = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.failures - 1, 10));
    return ms * (0.5 + Math.random() / 2);
  }

  private poll(): void {
    clearTimeout(this.pollTimer);
    if (this.stopped) return;
    this.polling ??= this.ask().finally(() => {
      this.polling = null;
      const visible = this.options.isVisible?.() ?? true;
      const ms = this.state.phase === "offline" ? this.retryMs() : POLL_MS;
      clearTimeout(this.pollTimer);
      if (this.stopped) return;
      this.pollTimer = setTimeout(
        () => this.poll(),
        visible ? Math.max(ms, POLL_MS) : HIDDEN_POLL_MS,
      );
    });
  }

  private async ask(): Promise<void> {
    const stateVector = toBase64(Y.encodeStateVector(this.doc));
    try {
      const news = await this.options.transport.poll({ marker: this.marker, stateVector });
      if (this.stopped) return;
      if ("ok" in news) this.refusedToTell(news);
      else this.learn(news);
    } catch {
      if (this.stopped) return;
      this.failures++;
      this.wasOffline = true;
      this.show({ phase: this.state.phase === "loading" ? "loading" : "offline", present: [] });
    }
  }

  private refusedToTell(refusal: TextRefused): void {
    this.show({ phase: "refused", message: refusal.message, present: [] });
  }

  private learn(news: TextNews): void {
    const before = this.text.toString();
    if (news.update !== undefined) Y.applyUpdate(this.doc, bytesOf(news.update), REMOTE);
    this.marker = news.marker;
    const others = this.state.phase !== "loading" && this.text.toString() !== before;
    const merged = others && (this.unsent !== null || this.sending !== null || this.wasOffline);
    const { phase } = this.state;
    if (phase === "offline" && this.unsent && !this.sending) this.schedule(0);
    if (phase === "offline" || phase === "loading") this.failures = 0;
    if (!this.unsent && !this.sending) this.wasOffline = false;
    this.show({
      present: news.present,
      regionId: news.regionId,
      merged: merged || (this.state.merged && !others),
      phase:
        phase === "refused" && this.unsent
          ? "refused"
          : this.unsent || this.sending
            ? "saving"
            : "saved",
      message: phase === "refused" && this.unsent ? this.state.message : null,
    });
    if (phase === "loading" && this.unsent) this.schedule(0);
  }

  private show(change: Partial<SyncState>): void {
    if (this.stopped) return;
    this.state = { ...this.state, ...change };
    this.options.onState(this.state);
  }
}
