import * as Y from "yjs";
import { bytesOf, toBase64 } from "@/lib/documents/text/wire";

type Storage = Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/**
 * Edits that no region has confirmed yet, kept in the browser so that closing the page while offline
 * loses nothing. Each tab has a place of its own; what a tab left behind is taken over by the next one
 * of the same person and document. Yjs makes sending an edit twice harmless.
 */
export class UnsentStore {
  private readonly prefix: string;
  private adopted: { key: string; value: string }[] = [];

  constructor(
    userId: string,
    documentId: string,
    private readonly tab: string,
    private readonly storage: Storage | null,
  ) {
    // Keyed by person: somebody else who signs in here must not send these in their own name.
    this.prefix = `meridian:unsent:${userId}:${documentId}:`;
  }

  /** What earlier tabs left, as one update; null where there is nothing, or nothing readable. */
  takeOver(): Uint8Array | null {
    const found: Uint8Array[] = [];
    for (const { key, value } of this.entries()) {
      if (key === this.prefix + this.tab) continue;
      try {
        const update = bytesOf(value);
        Y.decodeUpdate(update);
        found.push(update);
        this.adopted.push({ key, value });
      } catch {
        this.quietly((storage) => storage.removeItem(key));
      }
    }
    return found.length > 0 ? Y.mergeUpdates(found) : null;
  }

  /** Whether it could be stored; storage may be full or forbidden. */
  keep(update: Uint8Array): boolean {
    return this.quietly((storage) => storage.setItem(this.prefix + this.tab, toBase64(update)));
  }

  /** Everything was confirmed, what was taken over included. */
  clear(): void {
    this.quietly((storage) => {
      storage.removeItem(this.prefix + this.tab);
      for (const { key, value } of this.adopted) {
        // The other tab may be open after all, and have edits of its own since.
        if (storage.getItem(key) === value) storage.removeItem(key);
      }
    });
    this.adopted = [];
  }

  private entries(): { key: string; value: string }[] {
    const found: { key: string; value: string }[] = [];
    this.quietly((storage) => {
      for (let index = 0; index < storage.length; index++) {
        const key = storage.key(index);
        const value = key?.startsWith(this.prefix) ? storage.getItem(key) : null;
        if (key !== null && value !== null) found.push({ key, value });
      }
    });
    return found;
  }

  private quietly(act: (storage: Storage) => void): boolean {
    if (!this.storage) return false;
    try {
      act(this.storage);
      return true;
    } catch {
      return false;
    }
  }
}

/** Null where the browser forbids it. */
export function browserStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
